"""A report's entry."""

from afina.evaluate.ask import score_record
from afina.evaluate.metrics import load_metric
from afina.evaluate.sets import make_set
from afina.flows.report import arm_json
from afina.records import EvalItem, EvalRecord, Output, Scored, Turn

TRUTH = ['{"x": "a", "y": "b"}', '{"x": "c", "y": "b"}'] * 10


def arm(*answers: str, expected: list[str]) -> Scored:
    """An arm's answers under the measure `fields`."""
    items = [EvalItem(id=str(n), turns=(Turn("user", "?"),), expected=one) for n, one in enumerate(expected)]
    outputs = tuple(Output(item=str(n), text=answers[n % len(answers)], log_likelihood=-1.0) for n in range(len(items)))
    record = EvalRecord(eval_set=make_set("s", items), arm="a", source={}, outputs=outputs)
    return score_record(record, [load_metric("fields")])


def test_an_item_is_right_when_every_field_is() -> None:
    """Two fields, one wrong: the item is wrong, its other field counts."""
    found = arm_json(arm('{"x": "a", "y": "z"}', '{"x": "c", "y": "z"}', expected=TRUTH), "fields")

    assert (found["score"], found["n"]) == (0, 20)
    assert (found["per_field"]["x"]["score"], found["per_field"]["y"]["score"]) == (1, 0)
    assert found["log_likelihood"]["score"] == -1


def test_free_texts_have_no_labels() -> None:
    """And no macro-F1."""
    found = arm_json(arm("{}", expected=[f'{{"x": "text {n}"}}' for n in range(20)]), "fields")

    assert "macro_f1" not in found
