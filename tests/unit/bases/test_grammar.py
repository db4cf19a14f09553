"""The grammar of the word files."""

import random
from typing import Any

import pytest

from afina.bases.semilla.diversity import diversity
from afina.bases.semilla.grammar import Language, agree, expand, read_domain, read_domains

RAW: dict[str, Any] = {
    "domain": "hotel",
    "es": "hotel",
    "slots": {"room_en": ["suite", "attic"], "room_es": ["la suite", "el ático"]},
    "intents": {
        "book": {
            "label_es": "reservar", "mood": "neutral", "thing": "room",
            "patterns_en": ["{ask} book a {room} [for {date}|]"], "patterns_es": ["precio de {room}"],
            "reply_en": ["We have a {room}."], "reply_es": ["Tenemos {room}."],
        }
    },
}  # fmt: skip


def test_every_choice_is_made_and_every_slot_filled() -> None:
    """In all word files, in both languages."""
    rng = random.Random(0)
    for domain in read_domains():
        for intent in domain.intents:
            for language, patterns in (*intent.patterns.items(), *intent.replies.items()):
                for pattern in patterns:
                    text = expand(pattern, domain, rng, language=language)
                    assert text, f"{domain.name}.{intent.label}: {pattern}"
                    assert not set(text) & set("[]{}|"), f"{domain.name}.{intent.label}: {pattern}"


def test_labels_are_identifiers_and_moods_are_three() -> None:
    """What tasks are built on."""
    for domain in read_domains():
        for intent in domain.intents:
            assert intent.label.replace("_", "").isalnum()
            assert intent.label_es.isascii()
            assert intent.mood in {"positive", "neutral", "negative"}


@pytest.mark.parametrize(
    ("text", "language", "right"),
    [
        ("a attic", "en", "an attic"),
        ("precio de el ático", "es", "precio del ático"),
        ("voy a el ático", "es", "voy al ático"),
        ("a las las 7", "es", "a las 7"),
    ],
)
def test_articles_agree(text: str, language: Language, right: str) -> None:
    """Of pattern and slot together."""
    assert agree(text, language=language) == right


@pytest.mark.parametrize("pattern", ["[a|b", "{nowhere}"])
def test_a_broken_file_names_its_pattern(pattern: str) -> None:
    """Before a base is trained on it."""
    raw = {**RAW, "intents": {"book": {**RAW["intents"]["book"], "patterns_en": [pattern]}}}

    with pytest.raises(ValueError, match=r"words/x\.toml: book"):
        read_domain("x.toml", raw)


def test_diversity_counts_distinct_grams() -> None:
    """distinct-n of Li et al. 2016."""
    figures = diversity(["a b c", "a b d", "a b c"])

    assert figures["unique_texts"] == pytest.approx(2 / 3, abs=1e-4)
    assert figures["words"] == 4
    assert figures["distinct_2"] == pytest.approx(3 / 6)
    assert diversity([]) == {}
