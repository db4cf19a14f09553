"""Cheap predictors beside every model."""

import pytest

from afina.evaluate.baselines import Known, baseline_arm, majority, tfidf_logreg
from afina.evaluate.metrics import METRICS, score_outputs
from afina.evaluate.sets import make_set
from afina.freeze.freeze import freeze
from afina.records import EvalItem
from afina.settings import FreezeSettings
from tests.tasks import classifier, labelled

TASK = classifier("x")
ROWS = [
    labelled(str(i), f"{'pago tarjeta' if i % 3 else 'envio camion'} número {i}", x="p" if i % 3 else "e")
    for i in range(90)
]


def test_majority_says_the_commonest() -> None:
    """Whatever is asked."""
    assert majority(["a", "b", "c"], ["x", "y", "y"], ["?", "!"]) == ["y", "y"]


def test_logistic_regression_learns_words() -> None:
    """A word decides: it must be found."""
    texts, labels = [r.message for r in ROWS], [r.stratum for r in ROWS]

    assert tfidf_logreg(texts, labels, ["camion 7", "tarjeta 8"]) == ["e", "p"]


@pytest.mark.parametrize(("name", "right"), [("tfidf_logreg", 1.0), ("majority", 2 / 3), ("nearest", 1.0)])
def test_baselines_answer_the_held_out_items(name: str, right: float) -> None:
    """On the same items as the models, in the same form, by the same measure."""
    dataset = freeze(ROWS, FreezeSettings(), TASK)
    items = [EvalItem(id=e.id, turns=e.turns, expected=e.answer) for e in dataset.test]
    eval_set = make_set("t", items)
    known = Known(
        pairs=[(e.message, e.answer) for e in dataset.seen()],
        dataset=dataset.id,
        columns=lambda answer: TASK.kind.columns(TASK, answer),
        joined=lambda columns: TASK.kind.joined(TASK, columns),
    )
    with baseline_arm(name, known).open(eval_set) as asked:
        outputs = [asked.ask(item) for item in eval_set.items]

    scores = score_outputs(METRICS["fields"], eval_set.items, outputs)
    assert sum(scores.values()) / len(scores) == pytest.approx(right, abs=0.2)
    assert list(scores) == [e.id for e in dataset.test]
