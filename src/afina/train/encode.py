"""Chats and documents → token ids and masks, checked before any training time is spent."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch

from afina.chat.render import Rendered, Renderer
from afina.chat.thinking import without_thinking
from afina.errors import TemplateError, TrainError
from afina.records import Turn
from afina.settings import TooLong


@dataclass(frozen=True, slots=True)
class Encoded:
    """The two parts a run needs."""

    train: tuple[Rendered, ...]
    validation: tuple[Rendered, ...]


@dataclass(frozen=True, slots=True)
class Long:
    """What becomes of examples that are too long, and who hears of it."""

    policy: TooLong = "refuse"
    say: Callable[[str], None] = lambda _: None


def encode_chats(
    chats: Sequence[Sequence[Turn]],
    renderer: Renderer,
    *,
    max_tokens: int,
    only_last: bool = False,
    long: Long = Long(),
) -> tuple[Rendered, ...]:
    """Render every chat; with `only_last` only its last answer is supervised.

    Raises:
        TrainError: the template refuses one; one has no answer or an empty one; or is longer than `max_tokens` and `long`
            says to refuse it. Names its number, from 1.
    """
    placed = [(f"example {number}", chat) for number, chat in enumerate(chats, start=1)]
    return encode_placed(placed, renderer, max_tokens=max_tokens, only_last=only_last, long=long)


def encode_placed(
    chats: Sequence[tuple[str, Sequence[Turn]]],
    renderer: Renderer,
    *,
    max_tokens: int,
    only_last: bool = False,
    long: Long = Long(),
) -> tuple[Rendered, ...]:
    """The same of chats with their places (file and line), which errors name."""
    encoded = []
    for place, chat in chats:
        require_answers(chat, place=place, only_last=only_last)
        try:
            rendered = renderer.training(chat, only_last=only_last)
        except TemplateError as exc:
            raise TrainError(f"{place}: {exc}", remedy=exc.remedy) from exc
        if not any(rendered.supervised):
            raise TrainError(f"{place}: no assistant answer to learn from", remedy="leave it out")
        if len(rendered.ids) > max_tokens and long.policy == "refuse":
            raise TrainError(
                f"{place} has {len(rendered.ids)} tokens, more than max_seq_length = {max_tokens}",
                remedy='raise training.max_seq_length, shorten curate.max_chars, or set training.too_long to "drop", '
                '"truncate" or "split"',
            )
        encoded.append(rendered)
    return fitted(encoded, max_tokens=max_tokens, too_long=long.policy, say=long.say)


def require_answers(chat: Sequence[Turn], *, place: str, only_last: bool) -> None:
    """Refuse to teach silence.

    Raises:
        TrainError: an answer that would be learnt is empty, or is nothing but a thinking span.
    """
    answers = [turn.content for turn in without_thinking(chat) if turn.role == "assistant"]
    if any(not answer.strip() for answer in (answers[-1:] if only_last else answers)):
        raise TrainError(f"{place}: an answer is empty", remedy="remove it: the model would learn to say nothing")


def fitted(
    encoded: Sequence[Rendered], *, max_tokens: int, too_long: TooLong, say: Callable[[str], None]
) -> tuple[Rendered, ...]:
    """Bring what is too long within `max_tokens`: left out, cut at the end, or in several windows.

    A cut that leaves nothing to learn leaves the example out. Counts are said, never guessed from the result's length.
    """
    long = [row for row in encoded if len(row.ids) > max_tokens]
    if not long:
        return tuple(encoded)
    kept: list[Rendered] = []
    without = 0
    for row in encoded:
        if len(row.ids) <= max_tokens:
            kept.append(row)
            continue
        cut: list[Rendered] = []
        if too_long == "truncate":
            cut = [Rendered(row.ids[:max_tokens], row.supervised[:max_tokens])]
        elif too_long == "split":
            cut = list(windows(row, max_tokens))
        cut = [part for part in cut if any(part.supervised)]
        without += not cut
        kept += cut
    done = {"drop": "left out", "truncate": "cut at their end", "split": "split", "refuse": "refused"}[too_long]
    lost = f", {without} of them left out because nothing to learn remained" if without and too_long != "drop" else ""
    say(f"{len(long)} of {len(encoded)} examples have more than {max_tokens} tokens: {done}{lost}")
    return tuple(kept)


def windows(row: Rendered, size: int) -> Iterator[Rendered]:
    """Pieces of at most `size` tokens; each begins with the last token of the one before, so every token is predicted once."""
    for at in range(0, len(row.ids) - 1, size - 1):
        flags = row.supervised[at : at + size]
        yield Rendered(row.ids[at : at + size], (False, *flags[1:]) if at else flags)


def encode_documents(texts: Sequence[str], renderer: Renderer, *, max_tokens: int) -> tuple[Rendered, ...]:
    """Plain text to go on pretraining with: every token is learnt, a document ends with the end-of-text token.

    Documents longer than `max_tokens` become several windows. Each is an example of its own: packed side by side, they do
    not attend to one another. Text that reads like a control token is defused as in chats.
    """
    tokenizer = renderer.tokenizer
    found = tokenizer.get_vocab().get("<|endoftext|>")
    end = tokenizer.eos_token_id if found is None else found
    encoded: list[Rendered] = []
    for text in texts:
        ids = renderer.document(text)
        if ids[-1:] != [end]:
            ids.append(end)
        encoded += windows(Rendered(tuple(ids), (False, *(True for _ in ids[1:]))), max_tokens)
    return tuple(row for row in encoded if any(row.supervised))


@lru_cache(maxsize=2)
def batch_order(count: int, *, batch_size: int, seed: int, epoch: int) -> list[list[int]]:
    """Which of `count` rows form which optimiser step of an epoch.

    Depends on its arguments only, so that a resumed run continues the order of the interrupted one.
    """
    generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
    order: list[int] = torch.randperm(count, generator=generator).tolist()
    return [order[at : at + batch_size] for at in range(0, count, batch_size)]
