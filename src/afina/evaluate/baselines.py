"""Cheap predictors beside every result: a language model that loses to them is not worth its memory."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from afina.errors import InputError
from afina.evaluate.arms import TARGET, Arm, Nearest, OpenedArm, Pair, lookup_arm
from afina.records import EvalSet, Fields, Output, Part

Predictor = Callable[[Sequence[str], Sequence[str], Sequence[str]], list[str]]
"""(training texts, their labels, test texts) → predicted labels."""
NEAREST = "nearest"
"""The baseline that looks the answer to the most similar training message up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a baseline learns from: pairs of a dataset, and how an answer parts into values that are predicted one by one."""

    pairs: Sequence[Pair]
    dataset: str
    columns: Callable[[str], Fields]
    joined: Callable[[Fields], str]


def majority(_texts: Sequence[str], labels: Sequence[str], test: Sequence[str]) -> list[str]:
    """The commonest label, always."""
    return [Counter(labels).most_common(1)[0][0]] * len(test)


def tfidf_logreg(texts: Sequence[str], labels: Sequence[str], test: Sequence[str]) -> list[str]:
    """TF-IDF of words and character pieces + logistic regression, scikit-learn's defaults but C = 10."""
    from sklearn.feature_extraction.text import TfidfVectorizer  # 1.2 s: only where it predicts
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import FeatureUnion, Pipeline

    features = FeatureUnion(
        [
            ("words", TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)),
            ("pieces", TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True, max_features=30_000)),
        ]
    )
    model = Pipeline([("features", features), ("regression", LogisticRegression(C=10.0, max_iter=200))])
    model.fit(list(texts), list(labels))
    return [str(label) for label in model.predict(list(test))]


PREDICTORS: dict[str, Predictor] = {"majority": majority, "tfidf_logreg": tfidf_logreg}


def require_baseline(name: str) -> None:
    """Make sure that a baseline exists.

    Raises:
        InputError: there is none of that name.
    """
    if name not in {*PREDICTORS, NEAREST}:
        raise InputError(f"no baseline {name!r}", remedy=f"there are {', '.join([*PREDICTORS, NEAREST])}")


def baseline_arm(name: str, known: Known) -> Arm:
    """A baseline by name, trained on the pairs.

    Raises:
        InputError: there is none of that name.
    """
    require_baseline(name)
    if name == NEAREST:
        return lookup_arm(NEAREST, Nearest(known.pairs, k=1))
    return predictor_arm(name, known)


def predictor_arm(name: str, known: Known) -> Arm:
    """A predictor, each value of the answer apart. It is asked the target part."""

    @contextmanager
    def opened(eval_set: EvalSet) -> Iterator[OpenedArm]:
        items = [item for item in eval_set.items if item.part is Part.TARGET]
        texts, test = [message for message, _ in known.pairs], [item.question for item in items]
        rows = [known.columns(answer) for _, answer in known.pairs]
        by_column = {column: PREDICTORS[name](texts, [row[column] for row in rows], test) for column in rows[0]}
        answers = {
            item.id: known.joined({column: by_column[column][at] for column in by_column})
            for at, item in enumerate(items)
        }
        yield OpenedArm(ask=lambda item: Output(item=item.id, text=answers[item.id]))

    return Arm(name=name, source={"kind": name, "dataset": known.dataset}, open=opened, parts=TARGET)
