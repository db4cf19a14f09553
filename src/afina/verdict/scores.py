"""Two score files → pairs, metric by metric. Whatever does not match is named, never averaged over."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydantic import FiniteFloat

from afina.errors import InputError
from afina.files.forms import Form, Identity, read_forms
from afina.verdict.compare import Pairs

Scores = dict[str, dict[str, tuple[float, str | None]]]
"""Metric → item → score and group."""
Side = tuple[str, dict[str, tuple[float, str | None]]]
"""A name and one metric's scores."""
DEFAULT_METRIC = "score"
NAMED = 3


class ScoreRow(Form):
    """One item's score on one metric. Items of one group are not independent of each other."""

    id: Identity
    score: FiniteFloat
    metric: str | None = None
    group: str | None = None


def read_scores(path: Path) -> Scores:
    """Rows `{"id", "score"[, "metric", "group"]}`.

    Raises:
        InputError: a row is no such row, or an item is twice in a metric; names line and key.
    """
    found: Scores = {}
    seen: dict[tuple[str, str], str] = {}
    for where, row in read_forms(ScoreRow, path):
        metric = row.metric or DEFAULT_METRIC
        if other := seen.get((metric, row.id)):
            raise InputError(f"{where}: the item {row.id!r} of {metric} is there already: {other}")
        seen[metric, row.id] = where
        found.setdefault(metric, {})[row.id] = (row.score, row.group or None)
    return found


def pair_scores(a_file: Path, b_file: Path, *, lower_is_better: Sequence[str] = ()) -> list[Pairs]:
    """Two score files side by side; metrics and items by name.

    Raises:
        InputError: see `pair_all`; or a file is bad.
    """
    return pair_all(
        read_scores(a_file),
        read_scores(b_file),
        a_name=str(a_file),
        b_name=str(b_file),
        lower_is_better=lower_is_better,
    )


def pair_all(a: Scores, b: Scores, *, a_name: str, b_name: str, lower_is_better: Sequence[str] = ()) -> list[Pairs]:
    """Both sides' scores, item by item.

    Raises:
        InputError: a metric or items are on one side only, or an item's group differs; or a metric to turn round is unknown.
    """
    for metric in sorted(a.keys() ^ b.keys()):
        raise InputError(f"the metric {metric!r} is in {a_name if metric in a else b_name} only")
    if unknown := sorted(set(lower_is_better) - a.keys()):
        raise InputError(f"no metric {unknown[0]!r} in {a_name}", remedy=f"it has {', '.join(sorted(a))}")
    return [
        paired(metric, ((a_name, a[metric]), (b_name, b[metric])), turn=metric in lower_is_better)
        for metric in sorted(a)
    ]


def paired(metric: str, sides: tuple[Side, Side], *, turn: bool) -> Pairs:
    """One metric's pairs. Without a group an item is a group of its own."""
    (a_name, a), (b_name, b) = sides
    for name, one, other in ((a_name, a, b), (b_name, b, a)):
        if missing := sorted(other.keys() - one.keys()):
            some = ", ".join(map(repr, missing[:NAMED])) + (" …" if len(missing) > NAMED else "")
            raise InputError(
                f"{name}: {len(missing)} items of {metric} are missing: {some}",
                remedy="score both arms on the same items; an answer that failed has a score too",
            )
    items = sorted(a)
    for item in items:
        if a[item][1] != b[item][1]:
            raise InputError(f"item {item!r} of {metric} is in group {a[item][1]!r} of A, {b[item][1]!r} of B")
    names = [("group", group) if (group := a[item][1]) is not None else ("item", item) for item in items]
    numbers = {name: at for at, name in enumerate(dict.fromkeys(names))}
    sign = -1.0 if turn else 1.0
    return Pairs(
        metric=metric,
        a=sign * np.array([a[item][0] for item in items]),
        b=sign * np.array([b[item][0] for item in items]),
        groups=np.array([numbers[name] for name in names], dtype=np.int64),
        turned=turn,
    )
