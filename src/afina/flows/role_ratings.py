"""What people say of a role's answers: 1 to 5 after each run; from `good_rating` on, 4 unless the role says otherwise, an answer becomes an
example (document 001, 8.7: its diagram says 5, its code 4 and more).
"""

import fcntl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import Field

from afina.chat.blocks import written_as
from afina.errors import InputError
from afina.files.forms import Form, Identity, Text, read_forms
from afina.files.rows import as_lines
from afina.flows.role_run import Answered, Worker
from afina.flows.role_space import RoleSpace
from afina.ids import new_id
from afina.store.paths import write_whole

LOWEST, HIGHEST = 1, 5


class RunRow(Form):
    """A run of a role: a question and its answer."""

    run: Identity
    question: Text
    answer: Text
    model: str = ""
    at: str = ""
    score: float = 0.0


class RatingRow(Form):
    """What a person said of a run."""

    run: Identity
    rating: int = Field(ge=LOWEST, le=HIGHEST)
    at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rated:
    """A run with its rating; None = nobody said anything."""

    run: RunRow
    rating: int | None


def runs_file(space: RoleSpace) -> Path:
    """The role's runs."""
    return space.folder / "runs.jsonl"


def ratings_file(space: RoleSpace) -> Path:
    """The role's ratings; the last one of a run counts."""
    return space.folder / "ratings.jsonl"


def record_run(worker: Worker, answered: Answered) -> str:
    """Keep what a role was asked and answered. Returns the run's id; a role that was asked several times has one run for each."""
    run, now = new_id("run"), datetime.now(UTC).isoformat(timespec="seconds")
    pairs = list(zip(answered.questions, answered.answers, strict=True))
    rows = [
        {
            "run": run if len(pairs) == 1 else f"{run}.{at}",
            "question": question,
            "answer": answer,
            "model": worker.source,
            "at": now,
            "score": round(answered.score, 4),
        }
        for at, (question, answer) in enumerate(pairs, start=1)
    ]
    append(runs_file(worker.space), rows)
    return run


def append(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Rows at the end of a file, which is written anew: a kill or a full disk leaves no half of a row, two at once lose none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f".{path.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = path.read_bytes() if path.is_file() else b""
        end = b"\n" if before and not before.endswith(b"\n") else b""  # somebody edited it
        write_whole(path, before + end + as_lines(rows).encode())


def read_runs(space: RoleSpace) -> list[Rated]:
    """All runs of a role with what people said, the oldest first."""
    stars: dict[str, int] = {}
    if ratings_file(space).is_file():
        stars = {row.run: row.rating for _, row in read_forms(RatingRow, ratings_file(space))}
    runs = [row for _, row in read_forms(RunRow, runs_file(space))] if runs_file(space).is_file() else []
    return [Rated(run=row, rating=stars.get(row.run, stars.get(row.run.split(".")[0]))) for row in runs]


def rate(space: RoleSpace, run: str, rating: int) -> str:
    """Say how good a run was; `last` is the newest one. Returns the run's id.

    Raises:
        InputError: there is no such run, or the rating is none of 1 to 5.
    """
    if not LOWEST <= rating <= HIGHEST:
        raise InputError(f"a rating is {LOWEST} to {HIGHEST}, not {rating}")
    known = [one.run.run for one in read_runs(space)]
    found = known[-1].split(".")[0] if run == "last" and known else run
    if not any(one == found or one.startswith(f"{found}.") for one in known):
        raise InputError(
            f"no run {run!r} of {space.role.name}", remedy=f"afina roles runs {space.role.name} lists them"
        )
    append(
        ratings_file(space), [{"run": found, "rating": rating, "at": datetime.now(UTC).isoformat(timespec="seconds")}]
    )
    return found


def good_runs(space: RoleSpace) -> list[RunRow]:
    """The runs that people found good, each question once, its newest good answer."""
    least = space.role.form.good_rating
    found = {one.run.question: one.run for one in read_runs(space) if one.rating is not None and one.rating >= least}
    return list(found.values())


def satisfaction(space: RoleSpace) -> dict[str, Any]:
    """Runs, ratings and their mean: shown among the figures, never a condition."""
    runs = read_runs(space)
    stars = [one.rating for one in runs if one.rating is not None]
    return {
        "runs": len(runs),
        "rated": len(stars),
        "mean": round(sum(stars) / len(stars), 2) if stars else None,
        "good": len(good_runs(space)),
    }


def training_rows(runs: Sequence[RunRow], form: str) -> list[dict[str, str]]:
    """Good runs as examples, their answers in the role's `form`."""
    return [{"id": one.run, "text": one.question, "expected": written_as(one.answer, form)} for one in runs]
