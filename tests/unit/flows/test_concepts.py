"""Files of concepts, and what is none."""

import json
from pathlib import Path

import pytest

from afina.errors import InputError, SettingsError
from afina.flows.concepts import new_concepts, read_concepts, sources_of, write_concepts
from afina.flows.role_model import Ask, Reply
from afina.synth.concepts import Wanted
from tests.unit.flows.role_models import space, told


def test_concepts_come_back_as_they_were(tmp_path: Path) -> None:
    """Held-out examples gave none."""
    own = space(tmp_path)
    found, refused = new_concepts(own, Wanted(count=60, languages=("en", "es")))
    assert not refused
    write_concepts(tmp_path / "c.jsonl", found)
    assert read_concepts(tmp_path / "c.jsonl") == found
    assert {one.seed for one in found if one.seed} <= {f"ba-{at:02d}" for at in range(1, 11)}
    assert len(sources_of(own)) == 10


def test_a_model_has_ideas(tmp_path: Path) -> None:
    """Bound by a schema; what is no list of texts is nothing."""

    def ideas(ask: Ask) -> Reply:
        assert ask.schema is not None
        number = ask.drawn.seed if ask.drawn else 0
        wrong = [Reply(text="no"), Reply(text='{"concepts": 3}'), Reply(text='{"concepts": [3]}')]
        words = "orchards bakeries harbours theatres".split()  # noqa: SIM905
        return (
            wrong[number]
            if number < 3
            else Reply(text=json.dumps({"concepts": [f"A {words[number % 4]} planner for {number} people."]}))
        )

    _, model = told(ideas)
    found, _ = new_concepts(space(tmp_path), Wanted(count=3, languages=("en",)), model)
    assert {one.made_by for one in found} == {"model"}


def test_ideas_that_a_model_refused_are_said(tmp_path: Path) -> None:
    """The grid has the concepts; it is no secret that the model has none of them."""
    _, model = told(lambda _ask: Reply(error="the model refused v1/chat/completions (400)"))
    found, refused = new_concepts(space(tmp_path), Wanted(count=3, languages=("en",)), model)
    assert {one.made_by for one in found} == {"grid"}
    assert refused["the model refused v1/chat/completions (400)"] > 0


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"text": "blog"}, "line 1: the concept 'blog' is 1 word"),
        ({"text": "Logística"}, "line 1: the concept 'Logística' is 1 word"),
        ({"text": "   "}, "line 1"),
        ({"text": "word " * 3000}, "line 1: the concept has 3000 words"),
        ({"text": "word " * 1000 + "漢字"}, "line 1: the concept has 1002 words"),
        ({"concept": "x y"}, "line 1: `text`: not given"),
    ],
)
def test_what_is_no_concept_is_named(row: dict[str, str], said: str, tmp_path: Path) -> None:
    """With its line, before a model is asked."""
    path = tmp_path / "c.jsonl"
    path.write_text(json.dumps(row) + "\n")
    with pytest.raises(InputError, match=said):
        read_concepts(path)


def test_a_role_that_reads_others_has_no_concepts(tmp_path: Path) -> None:
    """Its inputs are what they write."""
    with pytest.raises(SettingsError, match=r"concepts\.toml") as error:
        new_concepts(space(tmp_path, "po"), Wanted(count=3, languages=("en",)))
    assert "inputs" in error.value.remedy
