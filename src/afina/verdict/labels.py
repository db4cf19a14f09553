"""What a verdict says about labels: gains and losses label by label, confusion, calibration. Only where answers are objects of labels."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from statistics import fmean
from typing import Any

from afina.records import EvalRecord, Part
from afina.verdict.calibration import confusion, expected_calibration_error, per_label, reliability
from afina.verdict.intervals import macro_f1_gain

MOST_LABELS = 200
SHOWN = 30
"""Labels of a field that a page shows: those that changed most."""


def read_labels(text: str) -> dict[str, str]:
    """The labels of an answer; {} when it is no object of texts."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return {k: v for k, v in found.items() if isinstance(v, str)} if isinstance(found, dict) else {}


def label_changes(a: EvalRecord, b: EvalRecord, left_out: set[str]) -> dict[str, Any]:
    """Field → changes of every label's F1 and what B confuses; {} when the expected answers are not labels."""
    before = {output.item: output.text for output in a.outputs}
    rows = [
        (read_labels(item.expected), read_labels(before[item.id]), read_labels(new.text), item.group or item.id)
        for item, new in zip(b.eval_set.items, b.outputs, strict=True)
        if item.part is Part.TARGET and item.id not in left_out and item.id in before
    ]
    if not rows or not all(row[0] for row in rows):
        return {}
    found = {}
    for field in rows[0][0]:
        truth = [row[0].get(field, "") for row in rows]
        if is_labelled(truth):
            old, new = [row[1].get(field, "") for row in rows], [row[2].get(field, "") for row in rows]
            found[field] = field_changes(truth, old, new, groups=[row[3] for row in rows])
    return found


def is_labelled(truth: Sequence[str]) -> bool:
    """Whether values are labels: free text has none to confuse."""
    return len(set(truth)) * 2 <= len(truth) and len(set(truth)) <= MOST_LABELS


def are_labels(truth: Sequence[Mapping[str, str]]) -> bool:
    """Whether all expected answers are objects of the same labels."""
    if not truth or not truth[0] or any(one.keys() != truth[0].keys() for one in truth):
        return False
    return all(is_labelled([one[field] for one in truth]) for field in truth[0])


def field_changes(truth: Sequence[str], a: Sequence[str], b: Sequence[str], *, groups: Sequence[str]) -> dict[str, Any]:
    """One field."""
    changes = sorted(
        zip(per_label(truth, a), per_label(truth, b), strict=True),
        key=lambda pair: pair[1].f1 - pair[0].f1,
        reverse=True,
    )
    most = {new.label for _, new in sorted(changes, key=lambda pair: -abs(pair[1].f1 - pair[0].f1))[:SHOWN]}
    labels, counts = confusion(truth, b)
    gain = macro_f1_gain(truth, a, b, groups)
    return {
        "changes": [
            {"label": new.label, "n": new.n, "a": old.f1, "b": new.f1} for old, new in changes if new.label in most
        ],
        "macro_f1": {
            "a": fmean([old.f1 for old, _ in changes]),
            "b": fmean([new.f1 for _, new in changes]),
            "difference": gain.score,
            "low": gain.low,
            "high": gain.high,
        },
        "confusion": {"labels": labels, "counts": counts},
    }


def calibration(record: EvalRecord, correct: Mapping[str, float]) -> dict[str, Any] | None:
    """Reliability of an arm's confidence on right-or-wrong items; None where it stated none."""
    pairs = [
        (min(1.0, output.confidence), correct[output.item] == 1)
        for output in record.outputs
        if output.confidence is not None and correct.get(output.item) in (0.0, 1.0)
    ]
    if not pairs:
        return None
    bins = reliability([sure for sure, _ in pairs], [right for _, right in pairs])
    return {"ece": expected_calibration_error(bins), "n": len(pairs), "bins": [asdict(b) for b in bins]}
