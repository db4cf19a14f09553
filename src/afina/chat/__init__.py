"""Messages → text and token ids with a loss mask, and answers back → fields: one rendering for all stages."""

from afina.chat.classify import answer_schema, classify_turns, parse_answer, render_answer
from afina.chat.render import Rendered, Renderer, load_renderer

__all__ = [
    "Rendered",
    "Renderer",
    "answer_schema",
    "classify_turns",
    "load_renderer",
    "parse_answer",
    "render_answer",
]
