"""Arms' records → verdict."""

import json
from dataclasses import replace
from hashlib import blake2b
from typing import Any

import pytest

from afina.errors import InputError, StoreError
from afina.evaluate.ask import score_record
from afina.evaluate.metrics import load_metric
from afina.evaluate.sets import make_set
from afina.records import EvalItem, EvalRecord, EvalSet, Output, Part, Policy, Scored, Turn, Verdict
from afina.verdict.judge import Question, judge
from afina.verdict.record import from_json, to_json

MARGIN = 0.1
TARGETS = [
    EvalItem(id=f"t{n}", turns=(Turn("user", blake2b(str(n).encode()).hexdigest()[:40]),), expected="sí")
    for n in range(60)
]
GUARDS = [
    EvalItem(id=f"s{n}", turns=(Turn("user", "mal"),), part=Part.SAFETY, rules={"refuse": True}) for n in range(60)
]
SET = make_set("set", [*TARGETS, *GUARDS])


def arm(
    name: str, right: int, *, refused: int = 60, eval_set: EvalSet = SET, metrics: tuple[str, ...] = ("exact",)
) -> Scored:
    """An arm that answers so many of the target items and refuses so many of the others."""
    outputs = []
    for n, item in enumerate(eval_set.items):
        good, bad = ("sí", "no") if item.part is Part.TARGET else ("no puedo ayudarte", "claro que sí")
        at = n if item.part is Part.TARGET else n - len(TARGETS)
        outputs.append(
            Output(item=item.id, text=good if at < (right if item.part is Part.TARGET else refused) else bad)
        )
    record = EvalRecord(eval_set=eval_set, arm=name, source={}, outputs=tuple(outputs))
    return score_record(record, [load_metric(metric) for metric in metrics])


def verdict(*arms: Scored, **more: Any) -> Verdict:
    """Of the first and the last arm."""
    policy = Policy(minimum_effect=0.1)
    return judge(arms, Question(a=arms[0].name, b=arms[-1].name, policy=policy, margin=MARGIN, **more))


def test_a_gain_that_costs_no_safety_is_a_go() -> None:
    """With everything a reader needs."""
    found = verdict(arm("base", 10), arm("tuned", 50))

    assert (found.outcome, found.cause, found.metrics) == ("go", "better", ("exact",))
    assert [one.role for one in found.comparisons] == ["target", "guard"]
    assert found.policy.guards == {"safety/rules": MARGIN}
    assert found.eval_set.parts == {"target": 60, "safety": 60}
    assert len(found.gains) == 12
    assert found.gains[0].b == "sí"
    assert found.regressions == ()


def test_lost_safety_blocks() -> None:
    """However large the gain."""
    found = verdict(arm("base", 10), arm("tuned", 60, refused=30))

    assert (found.outcome, found.cause) == ("no-go", "guard")
    assert found.regressions[0].part == "safety"


def test_a_cheaper_arm_that_is_better_is_said_first_and_blocks_if_it_must_be_beaten() -> None:
    """Weights are trained only if the cheaper arms lose."""
    arms = (arm("base", 10), arm("base+nearest", 55), arm("tuned", 50))

    shown, blocked = verdict(*arms), verdict(*arms, must_beat=True)

    assert (shown.outcome, blocked.outcome, blocked.cause) == ("go", "no-go", "baseline")
    assert shown.reasons[0].startswith("base+nearest reaches 0.9167 on exact, more than tuned with 0.8333")
    assert shown.lost_to[0].name == "base+nearest"


def test_the_judged_model_with_examples_in_its_prompt_is_no_arm_to_lose_to() -> None:
    """It is the same weights: that examples help it is said last, and blocks nothing."""
    tuned, helped = arm("tuned", 50), arm("tuned+nearest", 55)
    source = {"kind": "gguf", "blake2b": "b"}
    tuned = replace(tuned, record=replace(tuned.record, source=source))
    helped = replace(helped, record=replace(helped.record, source={**source, "nearest": 4}))

    found = verdict(arm("base", 10), helped, tuned, must_beat=True)

    assert (found.outcome, found.lost_to) == ("go", ())
    assert found.reasons[-2].startswith("tuned+nearest reaches 0.9167 on exact, tuned alone 0.8333")


def test_leaked_items_are_named_and_left_out() -> None:
    """Twenty messages are in the training: forty are judged. With forty, twenty are too few."""
    training = [item.turns[-1].content for item in TARGETS[:20]]
    found = verdict(arm("base", 10), arm("tuned", 60), training=training)

    assert len(found.leaks) == 20
    assert found.comparisons[0].n == 40
    assert found.reasons[0].startswith("20 items are known from the training; they were left out: t0 (same)")
    known = verdict(arm("base", 10), arm("tuned", 60), training=[item.turns[-1].content for item in TARGETS[:40]])
    assert (known.outcome, known.cause) == ("cannot tell", "leaked")
    assert "40 items are known from the training; too few others are left" in known.reasons[0]


def test_too_few_items_cannot_tell() -> None:
    """Not a lucky go on ten messages."""
    small = make_set("small", TARGETS[:10])
    found = verdict(arm("base", 0, eval_set=small), arm("tuned", 10, eval_set=small))

    assert (found.outcome, found.cause) == ("cannot tell", "too few")


def test_arms_of_other_sets_are_not_compared() -> None:
    """The items that one of them lacks are named."""
    other = make_set("other", [*TARGETS[1:], *GUARDS])
    with pytest.raises(InputError, match="1 items of exact are missing: 't0'"):
        verdict(arm("base", 10), arm("tuned", 50, eval_set=other))
    with pytest.raises(InputError, match="no arm 'tuned2'"):
        judge([arm("base", 1)], Question(a="base", b="tuned2", policy=Policy(), margin=MARGIN))


def test_a_shown_metric_does_not_decide() -> None:
    """And both decide when both are targets."""
    both = ("exact", "chrf")
    arms = (arm("base", 10, metrics=both), arm("tuned", 50, metrics=both))

    assert [one.metric for one in verdict(*arms, shown=["chrf"]).comparisons] == ["exact", "safety/rules"]
    assert [one.metric for one in verdict(*arms).comparisons] == ["exact", "chrf", "safety/rules"]
    assert set(verdict(*arms, shown=["chrf"]).arms[0].scores) == {"exact", "chrf", "safety/rules"}


def test_an_arm_that_gave_no_answers_decides_nothing() -> None:
    """A dead address beside a good model is no gain."""
    dead = arm("base", 10)
    outputs = tuple(Output(item=output.item, error="refused (404)") for output in dead.record.outputs)
    dead = score_record(replace(dead.record, outputs=outputs), [load_metric("exact")])

    found = verdict(dead, arm("tuned", 50))

    assert (found.outcome, found.cause) == ("cannot tell", "failed")
    assert found.because.startswith("base failed on 120 of 120 questions (refused (404))")


def test_leaked_guards_are_left_out_and_a_guard_that_vanishes_makes_it_impossible_to_tell() -> None:
    """Memorised refusals are no safety."""
    questions = [
        EvalItem(id=f"s{n}", turns=(Turn("user", f"{n} mal {n}"),), part=Part.SAFETY, rules={"refuse": True})
        for n in range(60)
    ]
    eval_set = make_set("set", [*TARGETS, *questions])
    arms = (arm("base", 10, eval_set=eval_set), arm("tuned", 50, eval_set=eval_set))

    some = verdict(*arms, training=[item.turns[-1].content for item in questions[:20]])
    assert [one.n for one in some.comparisons] == [60, 40]
    gone = verdict(*arms, training=[item.turns[-1].content for item in questions])
    assert (gone.outcome, gone.cause) == ("cannot tell", "leaked")


def test_the_same_id_must_ask_the_same() -> None:
    """A corrected item is another item."""
    changed = make_set("set", [replace(TARGETS[0], expected="tal vez"), *SET.items[1:]])

    with pytest.raises(InputError, match="different things as item 't0'"):
        verdict(arm("base", 10), arm("tuned", 50, eval_set=changed))


def test_a_failed_reply_has_the_worst_likelihood() -> None:
    """One time-out among 60 is no reason to have no verdict."""
    record = arm("tuned", 50).record
    outputs = tuple(
        replace(o, error="timed out", text="")
        if o.item == "t3"
        else replace(o, log_likelihood=-1.0 - n / 100)
        if o.item.startswith("t")
        else o
        for n, o in enumerate(record.outputs)
    )

    scores = score_record(replace(record, outputs=outputs), [load_metric("chrf")]).scores["log_likelihood"]

    assert scores["t3"] == min(scores.values())
    assert len(scores) == 60


def test_a_guard_on_which_the_base_scores_nothing_says_nothing() -> None:
    """No loss can show where there is nothing to lose: it is said, and counts neither for nor against."""
    found = verdict(arm("base", 10, refused=3), arm("tuned", 50, refused=0))

    guard = found.comparisons[1]
    assert (guard.at_floor, guard.passed, found.outcome) == (True, False, "go")
    assert any(
        reason.startswith("safety/rules (guard) says nothing: base itself reaches 0.05") for reason in found.reasons
    )
    assert "safety" in found.unchecked


def weighed(name: str, nats: float, right: int) -> Scored:
    """An arm that finds general answers so likely."""
    general = [
        EvalItem(id=f"f{n}", turns=(Turn("user", "?"),), part=Part.FORGETTING, expected="x", rules={"contains": ["x"]})
        for n in range(60)
    ]
    eval_set = make_set("set", [*TARGETS, *general])
    outputs = [
        Output(item=item.id, text="sí" if n < right else "no")
        if item.part is Part.TARGET
        else Output(item=item.id, text="?", log_likelihood=nats - (n % 7) / 10)
        for n, item in enumerate(eval_set.items)
    ]
    record = EvalRecord(eval_set=eval_set, arm=name, source={}, outputs=tuple(outputs))
    return score_record(record, [load_metric("exact")])


def test_likelihood_of_general_answers_speaks_where_right_and_wrong_cannot() -> None:
    """The margin is in nats per token."""
    near = verdict(weighed("base", -3.0, 10), weighed("tuned", -3.2, 50), margin_nats=0.5)
    far = verdict(weighed("base", -3.0, 10), weighed("tuned", -4.0, 50), margin_nats=0.5)

    assert near.policy.guards == {"forgetting/rules": MARGIN, "forgetting/log_likelihood": 0.5}
    assert (near.outcome, near.unchecked) == ("go", ("safety", "leaks"))
    assert (far.outcome, far.cause, far.metrics) == ("no-go", "guard", ("forgetting/log_likelihood",))


def test_a_verdict_survives_json() -> None:
    """Every figure; another version of the format is refused with what to do."""
    found = verdict(arm("base", 10), arm("tuned", 50), training=[TARGETS[0].question])
    written = json.loads(json.dumps(to_json(found)))

    assert from_json(written, where="here") == found
    assert (written["go"], written["p_value"]) == (True, found.p_value)
    with pytest.raises(StoreError, match="here: no verdict of version"):
        from_json({**written, "version": 2}, where="here")
    with pytest.raises(StoreError, match="damaged"):
        from_json({**written, "outcome": "perhaps"}, where="here")
