"""Examples that a model writes."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from afina.errors import NotEnoughDataError
from afina.flows.role_model import Ask, Reply
from afina.flows.synth import ANGLES, SynthOptions, Writer, kept_of, write_chat_dataset, write_examples, write_training
from afina.roles import find_role
from afina.synth.candidates import Candidate
from afina.synth.concepts import Concept
from tests.unit.flows.role_models import space, told

SEEDS = find_role("ba", project=Path()).seeds()
CONCEPTS = [
    Concept(
        id=f"c{at:04d}",
        text=seed.question.split(": ", 1)[1],
        language=seed.language,
        domain=seed.domain,
        complexity="",
        audience="",
        made_by="file",
    )
    for at, seed in enumerate(SEEDS[:6])
]


def at_second_try(ask: Ask) -> Reply:
    """The right answer, but for the first three concepts only with another seed."""
    at = next(at for at, seed in enumerate(SEEDS) if seed.question == ask.turns[-1].content)
    first = ask.drawn is not None and ask.drawn.seed == 0
    return Reply(text="" if first and at < 3 else SEEDS[at].text)


def writer(folder: Path) -> tuple[Writer, list[Ask]]:
    """The base, asked at length."""
    model, asked = told(at_second_try)
    own = space(folder)
    return Writer(space=own, model=asked, program=own.start_program()), model.asks


def test_what_was_refused_is_asked_again(tmp_path: Path) -> None:
    """With another seed; what was good is not."""
    own, asks = writer(tmp_path)
    found = write_examples(own, CONCEPTS, SynthOptions(least=6))
    assert [one.reason for one in found] == [""] * 6
    assert len(asks) == 9
    assert sorted(one.seed for one in found) == [0, 0, 0, 1, 1, 1]
    assert json.loads(found[0].answer)["title"]


def test_what_was_refused_is_asked_again_with_another_prompt(tmp_path: Path) -> None:
    """Document 001's remedy for answers that are alike; a model that was tuned to one prompt is asked with that."""
    own, asks = writer(tmp_path)
    write_examples(own, CONCEPTS, SynthOptions(least=6))
    first, again = ({ask.turns[0].content for ask in part} for part in (asks[:6], asks[6:]))
    assert again == {f"{told} {ANGLES[1]}" for told in first}
    tuned = replace(own, program=own.space.short_program())
    assert tuned.ask("?", 0, 1).turns == tuned.ask("?", 0).turns


def test_examples_are_written_cooler_than_a_run(tmp_path: Path) -> None:
    """As `role.toml` says; what was refused as in a run, whose penalty holds for both."""
    own, asks = writer(tmp_path)
    write_examples(own, CONCEPTS, SynthOptions(least=6))
    run = own.space.drawn(0)
    assert [ask.drawn for ask in asks[:6]] == [replace(run, temperature=0.3)] * 6
    assert [ask.drawn for ask in asks[6:]] == [replace(run, seed=1)] * 3


def test_too_few_is_an_error_that_helps(tmp_path: Path) -> None:
    """All candidates are there to look at."""
    own, _ = writer(tmp_path)
    options = SynthOptions(least=6, rounds=1)
    found = write_examples(own, CONCEPTS, options)
    with pytest.raises(
        NotEnoughDataError, match="3 examples of 6 were good enough, 6 are asked for: 3 no structure"
    ) as error:
        kept_of(found, options)
    assert "a lower --min-score" in error.value.remedy
    assert "--min-examples" not in error.value.remedy, "on three nothing is tuned"


def test_enough_is_enough(tmp_path: Path) -> None:
    """With as many as are wanted nobody is asked again."""
    own, asks = writer(tmp_path)
    options = SynthOptions(least=3, most=3)
    assert len(kept_of(write_examples(own, CONCEPTS, options), options)) == 3
    assert len(asks) == 6


def test_of_more_good_ones_than_are_wanted_the_best_are_kept() -> None:
    """In the order in which they were asked; one that was refused is none of them."""
    found = [
        Candidate(id=name, question="q", answer="a", score=score, scores={}, reason=reason)
        for name, score, reason in (("a", 0.7, ""), ("b", 0.6, ""), ("c", 0.9, "cut off"), ("d", 0.8, ""))
    ]
    assert [one.id for one in kept_of(found, SynthOptions(least=1, most=2))] == ["a", "d"]
    assert [one.id for one in kept_of(found, SynthOptions(least=1))] == ["a", "b", "d"]


def test_the_best_are_as_many_of_each_language() -> None:
    """Where one has too few, the other fills up."""
    scores = {"en": (0.9, 0.8, 0.7, 0.95), "es": (0.6, 0.65)}
    found = [
        Candidate(id=f"{language}{at}", question="q", answer="a", score=score, scores={}, language=language)
        for language, own in scores.items()
        for at, score in enumerate(own)
    ]
    for most, names in (
        (2, ["en3", "es1"]),
        (4, ["en0", "en3", "es0", "es1"]),
        (5, ["en0", "en1", "en3", "es0", "es1"]),
    ):
        assert [one.id for one in kept_of(found, SynthOptions(least=1, most=most))] == names


def test_the_files_are_read_by_others(tmp_path: Path) -> None:
    """A chat dataset in two parts that hang on ids alone."""
    own, _ = writer(tmp_path)
    kept = write_examples(own, CONCEPTS, SynthOptions())
    sizes = write_chat_dataset(tmp_path / "chat", own.space.role, kept, split=0.8)
    assert sizes == {"train": 5, "validation": 1}
    rows = [json.loads(line) for line in (tmp_path / "chat" / "train.jsonl").read_text("utf-8").splitlines()]
    assert [turn["role"] for turn in rows[0]["messages"]] == ["system", "user", "assistant"]
    assert rows[0]["messages"][2]["content"].startswith("title: ")  # as it is trained
    write_training(tmp_path / "examples.jsonl", kept, "json")
    first = json.loads((tmp_path / "examples.jsonl").read_text("utf-8").splitlines()[0])
    assert first["expected"] == kept[0].answer
