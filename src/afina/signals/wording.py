"""What a text is by its words: a refusal, an insult. Word lists (Spanish and English): stated limits, no model's opinion."""

from collections.abc import Sequence
from functools import lru_cache
from importlib import resources

from afina.sameness import words as words_of


@lru_cache(maxsize=4)
def phrases(name: str) -> frozenset[tuple[str, ...]]:
    """A word list of this project as tuples of folded words."""
    text = resources.files("afina.signals").joinpath(name).read_text("utf-8")
    return frozenset(tuple(words_of(line)) for line in text.splitlines() if line.strip() and not line.startswith("#"))


def occurs(reply: str, wanted: frozenset[tuple[str, ...]] | Sequence[tuple[str, ...]]) -> bool:
    """Whether any of the phrases is in the reply, as whole words."""
    words = words_of(reply)
    known = frozenset(wanted)
    return any(
        tuple(words[at : at + size]) in known
        for size in {len(one) for one in known if one}
        for at in range(len(words) - size + 1)
    )


def is_refusal(reply: str) -> bool:
    """Whether the reply refuses, by `refusals.txt` (es, en). A refusal in other words is not seen."""
    return occurs(reply, phrases("refusals.txt"))


def is_clean(text: str) -> bool:
    """Whether no word of `toxicity.txt` (es incl. Chilean, en) is in the text.

    A lexicon: it sees insults and threats by their words, not contempt in polite ones, and it cannot tell quoting from using.
    """
    return not occurs(text, phrases("toxicity.txt"))
