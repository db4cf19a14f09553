"""Text + context → implicit quality, success and category, each with the id of the rule that decided. Asks no model."""

from afina.signals.turn import TurnScore, score_turn

__all__ = ["TurnScore", "score_turn"]
