"""Corrections as a suite."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

from afina.evaluate.sets import make_set
from afina.flows.corrections import compared, correction_items, with_corrections
from afina.ids import example_id
from afina.records import Cause, Corrections, EvalItem, EvalRecord, Example, Origin, Outcome, Output, Scored, Turn
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
    """Where something is live and chance does not explain it; over the base alone they are only said."""
    go = replace(verdict(arm("base", 0), arm("tuned", 60)), outcome=Outcome.GO, cause=Cause.BETTER)
    names = [f"c{number}" for number in range(60)]
    before = scored("live.corrections", dict.fromkeys(names, 1.0))

    def after(broken: int) -> Corrections:
        answers = {**dict.fromkeys(names, 1.0), **dict.fromkeys(names[:broken], 0.0)}
        return compared(before, scored("tuned.corrections", answers), "exact")

    stopped = with_corrections(go, after(15), most=0.1, decides=True)
    assert (stopped.outcome, stopped.cause) == (Outcome.NO_GO, Cause.REGRESSED)
    assert "15 that were right are wrong now: more than 10% of them" in stopped.because
    assert with_corrections(go, after(9), most=0.1, decides=True).outcome is Outcome.GO, "15 %, which chance may be"
    first = with_corrections(go, after(15), most=0.1, decides=False)
    assert first.outcome is Outcome.GO
    assert first.corrections == after(15)


def test_a_measure_that_applies_to_none_counts_none() -> None:
    """It is no error: a measure of one's own may judge other items only."""
    found = compared(scored("live.corrections", {"a": 1.0}), scored("tuned.corrections", {"a": 0.0}), "own:score")

    assert (found.asked, found.broken) == (0, 0)


def test_the_last_correction_of_a_message_counts() -> None:
    """Accepted ones are none; the newest come first."""

    def kept(number: int, text: str, topic: str, evidence: str = "corrected") -> Example:
        return Example(
            id=example_id(str(number)),
            turns=(Turn("user", text),),
            answer=topic,
            group="",
            stratum=topic,
            source="",
            origin=Origin(evidence=evidence, at=f"2026-01-0{number}"),
        )

    rows = [kept(4, "uno", "d"), kept(1, "uno", "a"), kept(2, "dos", "b"), kept(3, "tres", "c", "accepted")]
    task = SimpleNamespace(kind=SimpleNamespace(item_rules=lambda _task: {"schema": {"type": "object"}}))
    project = cast("Any", SimpleNamespace(ledger=SimpleNamespace(kept=lambda: rows), task=task))

    items = correction_items(project, most=10)

    assert [(item.question, item.expected) for item in items] == [("uno", "d"), ("dos", "b")]
    assert items[0].rules == {"schema": {"type": "object"}}  # what a measure needs to judge it
    assert len(correction_items(project, most=1)) == 1
