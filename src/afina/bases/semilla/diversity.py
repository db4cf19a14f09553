"""Texts → how different they are: the figures of the built-in base's card."""

from collections.abc import Iterable


def diversity(texts: Iterable[str]) -> dict[str, float]:
    """Share of texts that occur once, distinct words, and distinct word 1-, 2- and 3-grams per gram.

    The last are distinct-n of Li et al. 2016 ("A Diversity-Promoting Objective Function"), on case-folded words.
    """
    seen = [text.casefold().split() for text in texts]
    if not seen:
        return {}
    figures: dict[str, float] = {
        "texts": len(seen),
        "unique_texts": round(len({" ".join(words) for words in seen}) / len(seen), 4),
        "words": len({word for words in seen for word in words}),
    }
    for size in (1, 2, 3):
        grams = [tuple(words[at : at + size]) for words in seen for at in range(len(words) - size + 1)]
        figures[f"distinct_{size}"] = round(len(set(grams)) / max(1, len(grams)), 4)
    return figures
