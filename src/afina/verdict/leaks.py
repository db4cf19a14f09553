"""Is what is asked in the evaluation known from training? A word 13-gram in common (Brown et al. 2020, appendix C), the same text,
one inside of the other, or nearly the same one.
"""

from collections.abc import Iterable, Sequence

from rapidfuzz import fuzz, process

from afina.records import EvalItem, Leak
from afina.sameness import message_key
from afina.sameness import words as words_of

GRAM = 13
NEAR = 90.0
"""Similarity of two texts (rapidfuzz's ratio of their words, 0–100) from which one is the other with a word changed."""
LEAST_WORDS = 5
"""Shorter texts are compared whole only: one letter of "pedido 7" is most of what it says."""


def find_leaks(items: Sequence[EvalItem], training: Iterable[str], *, near: float = NEAR) -> list[Leak]:
    """Items whose last message is known from training, each once with the closest kind: same, 13-gram, near.

    Case, accents and punctuation do not count; signs and emoji do.
    """
    texts = list(training)
    words = [pieces(text) for text in texts]
    whole = {" ".join(one): text for one, text in zip(words, texts, strict=True) if one}
    by_gram = {gram: text for one, text in zip(words, texts, strict=True) for gram in grams(one)}
    asked = [(item, pieces(item.question)) for item in items]
    inside = pieces_of(zip(words, texts, strict=True), lengths={len(own) for _, own in asked})
    around = {tuple(one): text for one, text in zip(words, texts, strict=True) if len(one) >= LEAST_WORDS}
    sizes = {len(one) for one in around}
    found, open_items = [], []
    for item, own in asked:
        if " ".join(own) in whole:
            found.append(Leak(item=item.id, kind="same", text=whole[" ".join(own)]))
        elif shared := next((gram for gram in grams(own) if gram in by_gram), None):
            found.append(Leak(item=item.id, kind="13-gram", text=by_gram[shared]))
        elif held := inside.get(tuple(own)) or next(
            (
                around[piece]
                for size in sizes
                if is_most(size, len(own))
                for piece in grams(own, size)
                if piece in around
            ),
            None,
        ):
            found.append(Leak(item=item.id, kind="part", text=held))
        elif len(own) >= LEAST_WORDS:
            open_items.append((item.id, " ".join(own)))
    return sorted([*found, *nearly(open_items, whole, near=near)], key=lambda leak: leak.item)


def pieces(text: str) -> list[str]:
    """The words and signs of a text; of one that has none, such as `?!`, the text itself."""
    return words_of(text) or [message_key(text)]


def nearly(items: Sequence[tuple[str, str]], whole: dict[str, str], *, near: float) -> list[Leak]:
    """The items that are nearly a training text; in C, all against all: 500 × 10,000 messages in seconds."""
    known = list(whole)
    found = []
    for identity, text in items:
        best = process.extractOne(text, known, scorer=fuzz.ratio, score_cutoff=near)
        if best is not None:
            found.append(Leak(item=identity, kind="near", text=whole[best[0]]))
    return found


def grams(words: Sequence[str], size: int = GRAM) -> set[tuple[str, ...]]:
    """Runs of so many words."""
    return {tuple(words[at : at + size]) for at in range(len(words) - size + 1)}


def is_most(part: int, whole: int) -> bool:
    """Whether a run of `part` words says most of what `whole` words say: a greeting around it changes nothing.

    Runs of 13 words and more are found as such, and here would be cubic in their length.
    """
    return LEAST_WORDS <= part < GRAM and 2 * part >= whole


def pieces_of(known: Iterable[tuple[Sequence[str], str]], *, lengths: set[int]) -> dict[tuple[str, ...], str]:
    """Runs of words of the wanted lengths that are most of their training text → that text."""
    return {
        piece: text
        for words, text in known
        for size in lengths
        if is_most(size, len(words))
        for piece in grams(words, size)
    }
