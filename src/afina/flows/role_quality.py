"""A role over time: what its generations reached, what it was asked, what people said of it (document 001's quality dashboard)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afina.errors import InputError
from afina.flows.boot import answering_place, kept_steps
from afina.flows.role_compare import BOUND, FREE
from afina.flows.role_ratings import Rated, read_runs
from afina.flows.role_space import RoleSpace, current_model
from afina.store.paths import read_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """What one of a role's models reached on the held-out authored examples. `bound` is empty where it was only asked freely."""

    name: str
    free: dict[str, Any]
    bound: dict[str, Any]
    outcome: str = ""
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """A month of a role. `stars`: mean of the ratings, `score`: mean `role_score` of the answers; None = there are none."""

    month: str
    runs: int
    rated: int
    good: int
    stars: float | None
    score: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleQuality:
    """All of it. `source`: the model that answers now."""

    role: str
    source: str
    reached: Sequence[Reached]
    months: Sequence[Month]


def quality_of(space: RoleSpace) -> RoleQuality:
    """Read it from the role's files.

    Raises:
        InputError: there is nothing to show yet.
    """
    folder = space.folder / answering_place(space.folder, space.settings.base.model)
    reached = [*bootstrapped(kept_steps(folder).get("steps", {})), *retrained(folder)]
    months = months_of(read_runs(space), space.role.form.good_rating)
    if not reached and not months:
        name = space.role.name
        raise InputError(
            f"nothing is known of {name} yet", remedy=f"afina roles {name} answers, afina bootstrap {name} tunes"
        )
    return RoleQuality(role=space.role.name, source=current_model(space)[1], reached=reached, months=months)


def bootstrapped(steps: dict[str, Any]) -> list[Reached]:
    """The base, the base asked well, and each generation with its verdict, by the newest judging."""
    judged = {name: step for name, step in steps.items() if name.startswith("judge-")}
    if not judged:
        return []
    newest = list(judged.values())[-1]
    found = []
    for name, free in newest[FREE].items():
        verdict = judged.get(f"judge-{name.removeprefix('v')}", {}).get("verdict", {})
        outcome, because = verdict.get("outcome", ""), verdict.get("because", "")
        found.append(Reached(name=name, free=free, bound=newest[BOUND][name], outcome=outcome, because=because))
    return found


def retrained(folder: Path) -> list[Reached]:
    """The versions that were tuned with what people found good, the oldest first."""
    files = sorted(folder.glob("r-*.json"), key=lambda path: path.stat().st_mtime)
    rows = [read_json(path) for path in files]
    return [
        Reached(
            name=row["version"],
            free=row[FREE][row["version"]],
            bound=row.get(BOUND, {}).get(row["version"], {}),
            outcome=row["outcome"],
            because=row["because"],
        )
        for row in rows
    ]


def months_of(runs: Sequence[Rated], good: int) -> list[Month]:
    """Runs by the month that they were made in (UTC), the oldest first."""
    by_month: dict[str, list[Rated]] = {}
    for one in runs:
        by_month.setdefault(one.run.at[:7] or "?", []).append(one)
    return [month_of(month, rows, good) for month, rows in sorted(by_month.items())]


def month_of(month: str, runs: Sequence[Rated], good: int) -> Month:
    """One month; `good`: the rating from which a run is a good one."""
    stars = [one.rating for one in runs if one.rating is not None]
    scores = [one.run.score for one in runs]
    return Month(
        month=month,
        runs=len(runs),
        rated=len(stars),
        good=sum(one >= good for one in stars),
        stars=mean(stars),
        score=mean(scores),
    )


def mean(values: Sequence[float]) -> float | None:
    """Nothing of nothing."""
    return round(sum(values) / len(values), 3) if values else None
