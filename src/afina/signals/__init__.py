"""Text + context → implicit quality, success and category, each with the id of the rule that decided. Asks no model."""

from afina.signals.turn import TurnScore, plain_words, score_turn

__all__ = ["TurnScore", "plain_words", "score_turn"]
