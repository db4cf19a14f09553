"""What becomes of a reply that breaks a rule."""

import pytest

from afina.serve.rules import held_to_rules
from afina.settings import ReplySettings

TEXT = "Invierte en bitcoin: cuesta $12990."


@pytest.mark.parametrize(
    ("checks", "shown", "rules", "repairs"),
    [
        ("off", TEXT, [], []),
        ("report", TEXT, ["format.clp", "policy.investment"], ["", ""]),
        ("repair", "Invierte en bitcoin: cuesta $12.990.", ["format.clp", "policy.investment"], ["$12.990", ""]),
        ("refuse", "Eso no.", ["format.clp", "policy.investment"], ["$12.990", ""]),
    ],
)
def test_reported_repaired_refused(checks: str, shown: str, rules: list[str], repairs: list[str]) -> None:
    """Each finding says its rule, the words, and what stands in their place."""
    settings = ReplySettings.model_validate({"checks": checks, "refusal": "Eso no."})
    text, found = held_to_rules(TEXT, settings)

    assert text == shown
    assert [one["rule"] for one in found] == rules
    assert [one["repair"] for one in found] == repairs


def test_what_is_not_forbidden_is_repaired_and_not_refused() -> None:
    """A wrong format is no reason to say nothing."""
    text, _ = held_to_rules("Cuesta $12990.", ReplySettings(checks="refuse"))

    assert text == "Cuesta $12.990."
