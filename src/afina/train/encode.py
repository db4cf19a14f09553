"""Chats → token ids and masks, checked before any training time is spent."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from afina.chat.render import Rendered, Renderer
from afina.errors import TrainError
from afina.records import Turn

IGNORED = -100


@dataclass(frozen=True, slots=True)
class Encoded:
    """The two parts a run needs."""

    train: tuple[Rendered, ...]
    validation: tuple[Rendered, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """Padded on the right. All int64: ids and mask (B, T), keep (K,), targets (B, K).

    `keep` are the positions whose next token is supervised in any row: only their logits are computed.
    """

    ids: torch.Tensor
    attention: torch.Tensor
    keep: torch.Tensor
    targets: torch.Tensor


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


def collate(rows: Sequence[Rendered], *, padding: int) -> Batch:
    """Pad rows to one length."""
    width = max(len(row.ids) for row in rows)
    ids = torch.full((len(rows), width), padding, dtype=torch.int64)
    attention = torch.zeros((len(rows), width), dtype=torch.int64)
    targets = torch.full((len(rows), width), IGNORED, dtype=torch.int64)
    for at, row in enumerate(rows):
        length = len(row.ids)
        ids[at, :length] = torch.tensor(row.ids)
        attention[at, :length] = 1
        supervised = torch.tensor(row.supervised)
        # The logits at position t predict token t + 1.
        targets[at, : length - 1] = torch.where(supervised[1:], ids[at, 1:length], IGNORED)
    keep = (targets != IGNORED).any(dim=0).nonzero().squeeze(1)
    return Batch(ids, attention, keep, targets[:, keep])


def batch_order(lengths: Sequence[int], *, batch_size: int, seed: int, epoch: int) -> list[list[int]]:
    """Which rows form which batch in one epoch: shuffled, then grouped by similar length to save padding.

    Depends on its arguments only, so that a resumed run continues the order of the interrupted one.
    """
    generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
    order: list[int] = torch.randperm(len(lengths), generator=generator).tolist()
    window = batch_size * 16
    batches = []
    for start in range(0, len(order), window):
        chunk = sorted(order[start : start + window], key=lambda row: lengths[row])
        batches += [chunk[at : at + batch_size] for at in range(0, len(chunk), batch_size)]
    return [batches[at] for at in torch.randperm(len(batches), generator=generator).tolist()]
