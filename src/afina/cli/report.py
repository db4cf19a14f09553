"""`report`."""

from pathlib import Path

import click

from afina.cli.options import here, json_option
from afina.cli.terminal import OUT, print_json, print_report
from afina.flows.versions import stored_report
from afina.texts import t
from afina.web.report import write_report_page
from afina.wiring import open_project


@click.command("report", help=t("The last evaluation of a version; --html writes a page with plots."))
@click.argument("version", required=False)
@click.option("--html", type=click.Path(path_type=Path), help=t("write a self-contained page"))
@json_option
def report_command(version: str | None, html: Path | None, as_json: bool) -> None:
    """Report."""
    project = open_project(here())
    found = project.ledger.version(version)
    report = stored_report(project, found)
    if html:
        curve = project.paths.run(found.run) / "curve.jsonl" if found.run else None
        write_report_page(report, html, curves={found.task: curve} if curve else {})
        OUT.print(str(html))
        return
    print_json(report) if as_json else print_report(report)
