"""A role over time."""

from pathlib import Path

import pytest

from afina.errors import InputError
from afina.flows.role_quality import Month, months_of, quality_of
from afina.flows.role_ratings import Rated, RunRow, append, ratings_file, runs_file
from afina.store.paths import write_json
from tests.unit.flows.role_models import space

FREE = {"base": {"role_score": 0.1}, "base+program": {"role_score": 0.2}, "v1": {"role_score": 0.6}}
JUDGED = {"free": FREE, "bound": {name: {"role_score": 0.7} for name in FREE}}
VERDICT = {"outcome": "go", "because": "surely better"}


def run(name: str, at: str, score: float, rating: int | None) -> Rated:
    """A run of a month."""
    return Rated(run=RunRow(run=name, question="?", answer="!", at=at, score=score), rating=rating)


def test_ratings_are_told_by_month() -> None:
    """A month that nobody rated has runs and no stars."""
    rows = [
        run("c", "2026-02-01T00:00:00+00:00", 0.5, None),
        run("a", "2026-01-03T00:00:00+00:00", 0.4, 5),
        run("b", "2026-01-30T00:00:00+00:00", 0.8, 2),
    ]
    assert months_of(rows, 4) == [
        Month(month="2026-01", runs=2, rated=2, good=1, stars=3.5, score=0.6),
        Month(month="2026-02", runs=1, rated=0, good=0, stars=None, score=0.5),
    ]
    assert months_of(rows, 2)[0].good == 2


def test_generations_and_retrained_versions_stand_beside_the_base(tmp_path: Path) -> None:
    """With the verdict of each; the base has none."""
    own = space(tmp_path)
    folder = own.folder / "bootstrap"
    folder.mkdir(parents=True)
    before: dict[str, dict[str, object]] = {"free": {"base": {}}, "bound": {"base": {}}}
    write_json(
        folder / "steps.json",
        {"mark": "m", "steps": {"judge-base": before, "judge-1": {**JUDGED, "verdict": VERDICT}}},
    )
    retrained = {"version": "r-1", "outcome": "no-go", "because": "no", "free": {"r-1": {"role_score": 0.5}}}
    write_json(folder / "r-1.json", retrained)
    found = quality_of(own)
    assert [(one.name, one.outcome) for one in found.reached] == [
        ("base", ""),
        ("base+program", ""),
        ("v1", "go"),
        ("r-1", "no-go"),
    ]
    assert (found.reached[2].bound, found.reached[3].bound) == ({"role_score": 0.7}, {})
    assert found.months == []


def test_a_role_that_did_nothing_says_how_to_begin(tmp_path: Path) -> None:
    """No empty page; one run is enough for a page."""
    own = space(tmp_path)
    with pytest.raises(InputError, match="nothing is known"):
        quality_of(own)
    row = {"run": "run_1", "question": "?", "answer": "!", "at": "2026-03-01T00:00:00+00:00", "score": 0.9}
    append(runs_file(own), [row])
    append(ratings_file(own), [{"run": "run_1", "rating": 4}])
    assert [(one.month, one.good) for one in quality_of(own).months] == [("2026-03", 1)]
