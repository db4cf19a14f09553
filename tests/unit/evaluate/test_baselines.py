"""Simple classifiers as yardsticks."""

import pytest
from afina.flows.assess import labels_set

from afina.evaluate.baselines import majority, tfidf_logreg, yardstick_arm
from afina.evaluate.metrics import METRICS, score_outputs
from afina.freeze.freeze import freeze
from afina.ids import ExampleId
from afina.records import Example
from afina.settings import FreezeSettings

ROWS = [
    Example(
        id=ExampleId(str(i)),
        text=f"{'pago tarjeta' if i % 3 else 'envio camion'} número {i}",
        target={"x": "p" if i % 3 else "e"},
        group=str(i),
    )
    for i in range(90)
]


def test_majority_says_the_commonest() -> None:
    """Whatever is asked."""
    assert majority(["a", "b", "c"], ["x", "y", "y"], ["?", "!"]) == ["y", "y"]


def test_logistic_regression_learns_words() -> None:
    """A word decides: it must be found."""
    texts, labels = [r.text for r in ROWS], [r.target["x"] for r in ROWS]

    assert tfidf_logreg(texts, labels, ["camion 7", "tarjeta 8"]) == ["e", "p"]


@pytest.mark.parametrize(("name", "right"), [("tfidf_logreg", 1.0), ("majority", 2 / 3)])
def test_yardsticks_answer_the_held_out_items(name: str, right: float) -> None:
    """On the same items as the models, in the same form, by the same measure."""
    dataset = freeze(ROWS, FreezeSettings(), task="t", fields=["x"])
    eval_set = labels_set(dataset, guards=False)
    with yardstick_arm(name, dataset).open(eval_set) as asked:
        outputs = [asked.ask(item) for item in eval_set.items]

    scores = score_outputs(METRICS["fields"], eval_set.items, outputs)
    assert sum(scores.values()) / len(scores) == pytest.approx(right, abs=0.2)
    assert list(scores) == [e.id for e in dataset.test]
