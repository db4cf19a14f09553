"""Text + context → implicit quality, success and category, and findings of policies and formats, each with the id of the rule. Asks no model."""

from afina.signals.money import RULES, Checks, Finding, findings, repaired
from afina.signals.turn import TurnScore, category_of, rules_version, score_turn

__all__ = [
    "RULES",
    "Checks",
    "Finding",
    "TurnScore",
    "category_of",
    "findings",
    "repaired",
    "rules_version",
    "score_turn",
]
