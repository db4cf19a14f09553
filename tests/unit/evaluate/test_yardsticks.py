"""Simple classifiers as yardsticks."""

from afina.evaluate.yardsticks import judge_yardstick, majority, tfidf_logreg
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


def test_yardsticks_answer_the_held_out_items() -> None:
    """On the same items as the models, by the same measure."""
    dataset = freeze(ROWS, FreezeSettings(), task="t", fields=["x"])

    assert judge_yardstick("tfidf_logreg", dataset).accuracy.score == 1
    assert [a.id for a in judge_yardstick("majority", dataset).answers] == [e.id for e in dataset.test]
