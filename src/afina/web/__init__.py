"""Pages. Holds no rules."""

from afina.web.report import write_report_page

__all__ = ["write_report_page"]
