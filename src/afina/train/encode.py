"""Chats → token ids and masks, checked before any training time is spent."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from afina.chat.render import Rendered, Renderer
from afina.errors import TrainError
from afina.records import Turn


@dataclass(frozen=True, slots=True)
class Encoded:
    """The two parts a run needs."""

    train: tuple[Rendered, ...]
    validation: tuple[Rendered, ...]


def encode_chats(
    chats: Sequence[Sequence[Turn]], renderer: Renderer, *, max_tokens: int, only_last: bool = False
) -> tuple[Rendered, ...]:
    """Render every chat; with `only_last` only its last answer is supervised.

    Raises:
        TrainError: one is longer than `max_tokens`, or has no answer. Nothing is cut silently.
    """
    encoded = []
    for number, chat in enumerate(chats, start=1):
        rendered = renderer.training(chat, only_last=only_last)
        if len(rendered.ids) > max_tokens:
            raise TrainError(
                f"example {number} has {len(rendered.ids)} tokens, more than max_seq_length = {max_tokens}",
                remedy="raise training.max_seq_length, or shorten curate.max_chars",
            )
        if not any(rendered.supervised):
            raise TrainError(f"example {number} has no assistant answer to learn from")
        encoded.append(rendered)
    return tuple(encoded)


def batch_order(count: int, *, batch_size: int, seed: int, epoch: int) -> list[list[int]]:
    """Which of `count` rows form which optimiser step of an epoch.

    Depends on its arguments only, so that a resumed run continues the order of the interrupted one.
    """
    generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
    order: list[int] = torch.randperm(count, generator=generator).tolist()
    return [order[at : at + batch_size] for at in range(0, count, batch_size)]
