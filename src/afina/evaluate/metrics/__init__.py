"""Item and reply → score. Every metric knows which items it can judge, so both arms are judged on the same ones."""

from afina.evaluate.metrics.registry import METRICS, Metric, load_metric, require_form, score_outputs

__all__ = ["METRICS", "Metric", "load_metric", "require_form", "score_outputs"]
