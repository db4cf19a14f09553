"""Corrections as a suite."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

from afina.evaluate.sets import make_set
from afina.flows.corrections import compared, correction_items, with_corrections
from afina.records import Cause, EvalItem, EvalRecord, Exchange, FeedbackKind, Outcome, Output, Scored, Turn
from afina.settings import Settings
from afina.tasks import make_task
from tests.unit.verdict.test_judge import arm, verdict


def scored(name: str, answers: dict[str, float]) -> Scored:
    """An arm that has these items right or wrong."""
    items = [EvalItem(id=one, turns=(Turn("user", f"q {one}"),), expected="right") for one in answers]
    outputs = tuple(Output(item=one, text="right" if score else "wrong") for one, score in answers.items())
    record = EvalRecord(eval_set=make_set("s", items), arm=name, source={}, outputs=outputs)
    return Scored(record=record, scores={"exact": answers})


def test_what_was_right_and_is_wrong_is_named_with_its_texts() -> None:
    """And what was repaired is counted."""
    found = compared(
        scored("live.corrections", {"a": 1.0, "b": 1.0, "c": 0.0, "d": 0.0}),
        scored("tuned.corrections", {"a": 1.0, "b": 0.0, "c": 1.0, "d": 1.0}),
        "exact",
    )

    assert (found.before, found.asked, found.was_right, found.now_right, found.broken) == ("live", 4, 2, 3, 1)
    [change] = found.changes
    assert (change.question, change.expected, change.a, change.b) == ("q b", "right", "right", "wrong")


def test_too_many_stop_a_version_that_would_go() -> None:
    """Where something is live; over the base alone they are only said."""
    go = replace(verdict(arm("base", 0), arm("tuned", 60)), outcome=Outcome.GO, cause=Cause.BETTER)
    found = compared(
        scored("live.corrections", dict.fromkeys("abcdefghij", 1.0)),
        scored("tuned.corrections", {**dict.fromkeys("abcdefghij", 1.0), "a": 0.0}),
        "exact",
    )

    stopped = with_corrections(go, found, most=0.05, decides=True)
    assert (stopped.outcome, stopped.cause) == (Outcome.NO_GO, Cause.REGRESSED)
    assert "1 that were right are wrong now: more than 5% of them" in stopped.because
    assert with_corrections(go, found, most=0.1, decides=True).outcome is Outcome.GO
    first = with_corrections(go, found, most=0.05, decides=False)
    assert first.outcome is Outcome.GO
    assert first.corrections == found


def test_the_last_correction_of_a_message_counts() -> None:
    """Accepted ones are none; the newest come first."""
    task = make_task(Settings.model_validate({"task": {"fields": ["topic"]}}), folder=cast("Any", None))

    def said(number: int, text: str, topic: str, kind: FeedbackKind = FeedbackKind.CORRECTED) -> Exchange:
        return Exchange(id=f"int_{number}", turns=(Turn("user", text),), answer="{}", kind=kind, value={"topic": topic})

    exchanges = [
        said(1, "uno", "a"),
        said(2, "dos", "b"),
        said(3, "tres", "c", FeedbackKind.ACCEPTED),
        said(4, "uno", "d"),
    ]
    project = cast("Any", SimpleNamespace(task=task, ledger=SimpleNamespace(exchanges=lambda **_: exchanges)))

    items = correction_items(project, most=10)

    assert [(item.question, item.expected) for item in items] == [("uno", '{"topic": "d"}'), ("dos", '{"topic": "b"}')]
    assert len(correction_items(project, most=1)) == 1
