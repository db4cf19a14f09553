"""Messages → text and token ids with a loss mask, and answers back → fields: one rendering for all stages.

The door holds what needs no tokenizer; `render` is imported by its own name.
"""

from afina.chat.classify import COMPACT, answer_schema, classify_turns, parse_answer, render_answer
from afina.chat.control import defuse, defuse_turns
from afina.chat.thinking import ThinkingFilter, strip_thinking

__all__ = [
    "COMPACT", "ThinkingFilter", "answer_schema", "classify_turns", "defuse", "defuse_turns", "parse_answer", "render_answer",
    "strip_thinking",
]  # fmt: skip
