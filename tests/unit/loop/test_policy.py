"""The circle."""

from typing import Any

import pytest

from afina.loop import Standing, next_step
from afina.loop.policy import Situation, choose
from afina.records import Outcome, RunState
from afina.settings import LoopSettings

FULL: dict[str, Any] = {
    "messages": 9,
    "kept": 9,
    "dataset": "dat",
    "run": RunState.DONE,
    "version": "v1",
    "outcome": Outcome.GO,
}


@pytest.mark.parametrize(
    ("changes", "command"),
    [
        ({"messages": 0, "kept": 0}, "afina import FILE"),
        ({"kept": 0}, "afina curate"),
        ({"dataset": None}, "afina freeze"),
        ({"run": None}, "afina train"),
        ({"run": RunState.FAILED}, "afina train --resume"),
        ({"version": None}, "afina export"),
        ({"outcome": None}, "afina evaluate"),
        ({}, "afina release"),
        ({"canary": True}, "afina release --settle"),
        ({"live": "v1"}, "afina review"),
        ({"outcome": Outcome.NO_GO}, "afina review"),
    ],
)
def test_each_stage_is_followed_by_the_next(changes: dict[str, Any], command: str) -> None:
    """From an empty project round to the next decisions."""
    assert next_step(Standing(**{**FULL, **changes})).command == command


def situation(changes: dict[str, Any] | None = None, **more: Any) -> Situation:
    """A task of which everything was done just now."""
    standing = Standing(**{**FULL, "tried": True, "because": "it is better", **(changes or {})})
    own: dict[str, Any] = {
        "rules": LoopSettings(),
        "hours": {"curate": 1.0, "report": 1.0, "freeze": 1.0},
        "evidence": "7 new rows of 100",
    }
    return Situation(standing=standing, **{**own, **more})


@pytest.mark.parametrize(
    ("now", "step"),
    [
        (situation(), "skip"),
        (situation({"run": RunState.RUNNING, "version": None}), "resume"),
        (situation({"version": None, "outcome": None}), "export"),
        (situation({"outcome": None}), "evaluate"),
        (situation({"tried": False}), "release"),
        (situation({"tried": False, "canary": True}), "skip"),
        (situation({"outcome": Outcome.NO_GO, "tried": False}), "skip"),
        (situation(hours={"report": 1.0}), "curate"),
        (situation({"run": None, "version": None, "outcome": None}), "train"),
        (situation({"run": None, "version": None, "outcome": None, "canary": True}), "skip"),
        (situation({"run": None, "version": None, "outcome": None, "superseded": True}), "skip"),
        (
            situation(
                {"run": RunState.FAILED, "version": None},
                failed={"resume": 2.0},
                enough=True,
                hours={"curate": 1.0, "report": 1.0},
            ),
            "freeze",
        ),
        (situation({"run": RunState.FAILED, "version": None}, failed={"resume": 2.0}, hours={"curate": 1.0}), "report"),
        (situation(enough=True), "skip"),
        (situation(enough=True, hours={"curate": 1.0, "report": 1.0, "freeze": 169.0}), "freeze"),
        (situation({"canary": True}, enough=True, hours={"curate": 1.0, "report": 1.0}), "skip"),
        (situation(hours={"curate": 1.0}), "report"),
    ],
)
def test_what_the_loop_does(now: Situation, step: str) -> None:
    """One candidate at a time, weekly at most, never one that was withdrawn."""
    chosen = choose(now)

    assert chosen.step == step
    assert chosen.because


def test_heavy_work_waits_for_people_and_light_work_does_not() -> None:
    """And says what waits, and why."""
    waits = situation({"outcome": None}, busy="waiting: answers take 4000 ms (p95), more than 3000")
    assert choose(waits).because == "evaluate waits: waiting: answers take 4000 ms (p95), more than 3000"
    light = situation(busy="waiting: heavy work is for the hours 22-6", hours={"report": 1.0})
    assert choose(light).step == "curate"


def test_what_failed_is_tried_again_tomorrow() -> None:
    """What hangs on it is not done meanwhile; after a day it is due again."""
    failed = situation({"run": RunState.FAILED, "version": None}, failed={"resume": 2.0})
    assert choose(failed).because == "resume failed and is tried again later"
    assert choose(situation({"run": RunState.FAILED, "version": None}, failed={"resume": 25.0})).step == "resume"


def test_too_early_for_another_training_is_said_with_its_numbers() -> None:
    """The evidence, and how old the last dataset is."""
    early = situation(
        enough=True,
        evidence="120 curated rows are new, 100 are enough",
        hours={"curate": 1.0, "report": 1.0, "freeze": 48.0},
    )
    assert (
        choose(early).because == "120 curated rows are new, 100 are enough, but the last dataset is 2.0 days old, of 7"
    )
