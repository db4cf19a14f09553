"""How far reviewers agree."""

import pytest

from afina.curate.review import kappa


@pytest.mark.parametrize(
    ("pairs", "agreement", "value"),
    [
        ([("a", "a"), ("b", "b")], 1.0, 1.0),
        ([("a", "b"), ("b", "a")], 0.0, -1.0),
        ([("a", "a"), ("a", "b"), ("b", "a"), ("b", "b")], 0.5, 0.0),
        ([("a", "a")], 1.0, 1.0),
        ([], 0.0, 0.0),
    ],
)
def test_agreement_beyond_chance(pairs: list[tuple[str, str]], agreement: float, value: float) -> None:
    """Cohen's kappa, by hand."""
    assert kappa(pairs) == {"agreement": pytest.approx(agreement), "kappa": pytest.approx(value)}
