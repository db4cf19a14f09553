"""Messages → text and token ids with a loss mask, and answers back → structures: one rendering for all stages.

The door holds what needs no tokenizer; `render` is imported by its own name.
"""

from afina.chat.control import defuse, defuse_turns
from afina.chat.parse import COMPACT, ONE_OF
from afina.chat.thinking import ThinkingFilter, strip_thinking

__all__ = ["COMPACT", "ONE_OF", "ThinkingFilter", "defuse", "defuse_turns", "strip_thinking"]
