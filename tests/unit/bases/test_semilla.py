"""The built-in base's generators and shape."""

import json
import random
from collections import Counter
from dataclasses import asdict

from afina.bases import semilla
from afina.bases.semilla.pretrain import KINDS, Recipe, lesson_at, rate, semilla_config
from afina.bases.semilla.sentences import draw_message, read_lexicon
from afina.bases.semilla.tasks import TASKS, classify, draw_example, draw_prose

LEXICON = read_lexicon()


def test_the_same_seed_writes_the_same_text() -> None:
    """The base is reproducible from its recipe."""
    first = [draw_example(LEXICON, random.Random(5)) for _ in range(3)]

    assert first == [draw_example(LEXICON, random.Random(5)) for _ in range(3)]


def test_every_task_writes_whole_chats() -> None:
    """Roles alternate and end with an answer; the text is never empty."""
    rng = random.Random(1)
    for task, _ in TASKS:
        for _ in range(20):
            turns = task(LEXICON, rng)
            roles = [t["role"] for t in turns if t["role"] != "system"]
            assert roles == ["user", "assistant"] * (len(roles) // 2)
            assert all(t["content"] for t in turns)


def test_messages_are_diverse() -> None:
    """Over 95 % of 3,000 messages are different, in both languages."""
    rng = random.Random(2)
    messages = [draw_message(LEXICON, rng) for _ in range(3000)]

    assert len({m.text for m in messages}) > 0.95 * len(messages)
    assert min(Counter(m.language for m in messages).values()) > 900
    assert draw_prose(LEXICON, rng)


def test_classification_answers_are_json_with_the_asked_fields() -> None:
    """The form the product asks for."""
    rng = random.Random(3)
    for _ in range(50):
        system, _user, assistant = classify(LEXICON, rng)
        asked = system["content"].split(": ")[1].rstrip(".").split(", ")
        assert list(json.loads(assistant["content"])) == asked


def test_rows_divide_by_256() -> None:
    """So that no K-quant falls back to another type."""
    config = semilla_config()

    assert config.hidden_size % 256 == 0
    assert config.intermediate_size % 256 == 0


def test_lessons_go_from_short_to_long_and_the_rate_ends_at_zero() -> None:
    """Every lesson gets its share."""
    recipe = Recipe(steps=100)
    seen = Counter(lesson_at(step, recipe=recipe) for step in range(100))

    assert seen == {name: round(part * 100) for name, part in recipe.lessons}
    assert rate(99, recipe=recipe) < 0.05
    assert max(rate(step, recipe=recipe) for step in range(100)) <= 1


def test_the_committed_base_is_small_and_has_its_card() -> None:
    """At most 16 MB in the tree; the card tells how it was made."""
    size = sum(f.stat().st_size for f in semilla.FOLDER.iterdir())
    card = json.loads((semilla.FOLDER / "card.json").read_text("utf-8"))

    assert size <= 16e6
    assert card["parameters"] <= 8_000_000
    assert card["recipe"]["seed"] == Recipe().seed


def test_the_card_is_of_this_recipe() -> None:
    """What is committed is what `afina base build` would build again, with a perplexity for every kind of text."""
    card = json.loads((semilla.FOLDER / "card.json").read_text("utf-8"))
    recipe = json.loads(json.dumps(asdict(Recipe())))

    assert card["recipe"] == recipe
    assert card["held_out_perplexity"].keys() >= {*KINDS, "prose", "mixture"}
    assert min(card["diversity"][language]["unique_texts"] for language in ("es", "en")) > 0.9
    assert card["parameters"] < 8e6
    assert sum(file.stat().st_size for file in semilla.FOLDER.iterdir()) < 16e6
