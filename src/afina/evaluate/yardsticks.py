"""Cheap classifiers beside every result: a language model that loses to them is not worth its memory."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline

from afina.chat import render_answer
from afina.evaluate.arms import TARGET, Arm, Asked
from afina.records import Dataset, EvalSet, Output

Predictor = Callable[[Sequence[str], Sequence[str], Sequence[str]], list[str]]
"""(training texts, their labels, test texts) → predicted labels."""


def majority(_texts: Sequence[str], labels: Sequence[str], test: Sequence[str]) -> list[str]:
    """The commonest label, always."""
    return [Counter(labels).most_common(1)[0][0]] * len(test)


def tfidf_logreg(texts: Sequence[str], labels: Sequence[str], test: Sequence[str]) -> list[str]:
    """TF-IDF of words and character pieces + logistic regression, scikit-learn's defaults but C = 10."""
    features = FeatureUnion(
        [
            ("words", TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)),
            ("pieces", TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True, max_features=30_000)),
        ]
    )
    model = Pipeline([("features", features), ("regression", LogisticRegression(C=10.0, max_iter=200))])
    model.fit(list(texts), list(labels))
    return [str(label) for label in model.predict(list(test))]


YARDSTICKS: dict[str, Predictor] = {"majority": majority, "tfidf_logreg": tfidf_logreg}


def yardstick_arm(name: str, dataset: Dataset) -> Arm:
    """A yardstick trained on the training and validation parts, each field apart. It is asked the dataset's own test part."""

    @contextmanager
    def opened(_: EvalSet) -> Iterator[Asked]:
        seen = [*dataset.train, *dataset.validation]
        texts, test = [e.text for e in seen], [e.text for e in dataset.test]
        by_field = {f: YARDSTICKS[name](texts, [e.target[f] for e in seen], test) for f in dataset.fields}
        answers: dict[str, str] = {
            example.id: render_answer({f: by_field[f][at] for f in dataset.fields}, fields=dataset.fields)
            for at, example in enumerate(dataset.test)
        }
        yield Asked(ask=lambda item: Output(item=item.id, text=answers[item.id]))

    return Arm(name=name, source={"kind": name, "dataset": dataset.id}, open=opened, parts=TARGET)
