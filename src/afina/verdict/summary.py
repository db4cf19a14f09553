"""A record → what it cost and how it went wrong: figures that belong beside every score."""

from dataclasses import dataclass

import numpy as np

from afina.records import EvalRecord
from afina.signals.wording import is_refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Speed in tokens a second of generation, times in milliseconds (95th percentiles), memory in MB, counts of items."""

    items: int
    failed: int
    empty: int
    cut: int
    refused: int
    words: float
    tokens_per_s: float | None
    first_token_ms: float | None
    p95_ms: float | None
    peak_rss_mb: float | None


def summarise(record: EvalRecord) -> Summary:
    """The figures. Arms that were not timed (imported answers, baselines) have none."""
    good = [o for o in record.outputs if not o.error]
    asked = {item.id for item in record.eval_set.items if item.turns}
    timed = [o for o in good if o.milliseconds > 0]
    busy_s = sum(o.milliseconds - o.first_ms for o in timed) / 1000
    tokens = sum(o.tokens_out for o in timed)
    return Summary(
        items=len(record.outputs),
        failed=len(record.outputs) - len(good),
        empty=sum(not o.text.strip() for o in good if o.item in asked),
        cut=sum(o.cut for o in good),
        refused=sum(is_refusal(o.text) for o in good),
        words=round(float(np.mean([len(o.text.split()) for o in good])), 1) if good else 0.0,
        tokens_per_s=round(tokens / busy_s, 1) if tokens and busy_s > 0 else None,
        first_token_ms=percentile([o.first_ms for o in timed if o.first_ms > 0]),
        p95_ms=percentile([o.milliseconds for o in timed]),
        peak_rss_mb=None if record.peak_rss_mb is None else round(record.peak_rss_mb, 1),
    )


def percentile(values: list[float]) -> float | None:
    """The 95th; None of nothing."""
    return round(float(np.percentile(values, 95)), 1) if values else None
