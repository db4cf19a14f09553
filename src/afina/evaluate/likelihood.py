"""How likely a served model finds an expected answer: it has resolution where right and wrong have none."""

from collections.abc import Sequence

from afina.chat.render import Renderer
from afina.records import Turn
from afina.runtime import Weigh

WEIGHED_TOKENS = 64
"""Of a longer answer or text the last so many tokens are weighed, after all that stands before them."""


def mean_log_likelihood(weigh: Weigh, renderer: Renderer, turns: Sequence[Turn], expected: str) -> float:
    """Mean log-likelihood of the expected answer after these turns, nats per token; without turns, of a plain text."""
    ids, first = answer_ids(renderer, turns, expected) if turns else (text_ids(renderer, expected), 1)
    first = max(first, len(ids) - WEIGHED_TOKENS)
    return weigh(ids, first) / max(1, len(ids) - first)


def answer_ids(renderer: Renderer, turns: Sequence[Turn], expected: str) -> tuple[tuple[int, ...], int]:
    """The token ids of the whole chat, and where the answer begins."""
    rendered = renderer.training((*turns, Turn("assistant", expected)), only_last=True)
    behind = next((at for at, counted in enumerate(reversed(rendered.supervised)) if not counted), len(rendered.ids))
    return rendered.ids, len(rendered.ids) - behind


def text_ids(renderer: Renderer, text: str) -> tuple[int, ...]:
    """The token ids of a plain text, as training reads it."""
    return tuple(renderer.document(text))
