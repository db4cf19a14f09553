"""Messages → text and token ids with a loss mask, and answers back → fields: one rendering for all stages.

The door holds what needs no tokenizer; `render` is imported by its own name.
"""

from afina.chat.classify import COMPACT, answer_schema, classify_turns, parse_answer, render_answer

__all__ = ["COMPACT", "answer_schema", "classify_turns", "parse_answer", "render_answer"]
