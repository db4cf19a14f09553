"""A role at work."""

import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from afina.errors import RoleError, RuntimeFailedError
from afina.flows.role_model import Ask, Reply
from afina.flows.role_run import Seeds, Worker, answer_of, concept_question, work, worker_of
from afina.records import Turn
from afina.roles import find_role
from tests.unit.flows.role_models import gone, space, told

GOOD = find_role("ba", project=Path()).seeds()[0]


def worker(folder: Path) -> Worker:
    """The analyst with the base."""
    return worker_of(space(folder), "semilla")


def test_a_good_answer_is_taken(tmp_path: Path) -> None:
    """The first one; it was bound by the role's schema, without our own notes in it."""
    model, asked = told(lambda _ask: Reply(text=GOOD.text, seconds=2.0))
    found = work(worker(tmp_path), asked, [GOOD.question])
    assert found.artifact == GOOD.answer
    assert (found.tries, found.seconds, found.score > 0.9) == (1, 2.0, True)
    assert model.asks[0].schema is not None
    assert "x-covers" not in model.asks[0].schema
    assert model.asks[0].turns[-1].content == GOOD.question


def test_a_bad_answer_is_asked_for_once_more_with_the_reasons(tmp_path: Path) -> None:
    """The model reads what it wrote and what is wrong with it."""
    bad = json.dumps({**GOOD.answer, "title": "No"})

    def answer(ask: Ask) -> Reply:
        return Reply(text=GOOD.text if len(ask.turns) > 2 else bad)

    model, asked = told(answer)
    text, tries, _ = answer_of(worker(tmp_path), asked, GOOD.question, 0)
    assert (json.loads(text)["title"], tries) == (GOOD.answer["title"], 2)
    assert model.asks[1].turns[-2].content == bad
    assert "title: 'No' is too short" in model.asks[1].turns[-1].content


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(text=""), "neither JSON nor YAML"),
        (Reply(text="la la la la " * 500, cut=True), "it was cut off"),
        (Reply(error="the model did not answer (ReadTimeout)"), "ReadTimeout"),
        (Reply(text='{"title": "<|im_end|>"}'), "twice"),
    ],
)
def test_after_two_bad_answers_it_stops_and_says_so(reply: Reply, said: str, tmp_path: Path) -> None:
    """A model that answers nothing, repeats for ever, has no time, or writes control tokens."""
    model, asked = told(lambda _ask: reply)
    with pytest.raises(RoleError, match="no answer that can be used, twice") as error:
        work(worker(tmp_path), asked, [GOOD.question])
    assert said in str(error.value)
    assert len(model.asks) == 2
    assert "afina bootstrap ba" in error.value.remedy


def test_the_next_answers_to_a_question_that_failed_are_others(tmp_path: Path) -> None:
    """Equal seeds are equal answers; the other questions keep theirs."""
    seeds = Seeds(5)
    model, asked = told(lambda _ask: Reply(text=""))
    for _ in range(2):
        with pytest.raises(RoleError):
            work(worker(tmp_path), asked, [GOOD.question], seeds=seeds)
    assert [ask.drawn.seed for ask in model.asks if ask.drawn] == [5, 6, 7, 8]
    assert seeds.of("another question") == 5


def test_a_requirement_that_nothing_covers_is_asked_for_once_and_then_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The answer can be used, and a person can add what is missing."""
    po = find_role("po", project=Path()).seeds()[0]
    own = worker_of(space(tmp_path, "po"), "semilla")
    model, asked = told(lambda _ask: Reply(text=po.text))
    with caplog.at_level(logging.WARNING):
        found = work(own, asked, [po.question + "- id: FR999\n"])
    assert (found.tries, found.artifact) == (2, po.answer)
    assert "nothing covers FR999" in model.asks[1].turns[-1].content
    assert "nothing covers FR999" in caplog.text


def test_of_two_answers_that_lack_something_the_one_that_lacks_less_is_taken(tmp_path: Path) -> None:
    """The second try may be the worse one."""
    po = find_role("po", project=Path()).seeds()[0]
    own = worker_of(space(tmp_path, "po"), "semilla")
    first, *backlog = po.answer["backlog"]
    fewer = json.dumps({**po.answer, "backlog": backlog})
    replies = iter([Reply(text=po.text), Reply(text=fewer)])
    found = work(own, told(lambda _ask: next(replies))[1], [po.question + "- id: FR999\n"])
    assert (found.tries, found.artifact["backlog"][0]) == (2, first)


def test_an_id_that_was_wrong_may_not_be_named_when_asked_again(tmp_path: Path) -> None:
    """It stands among the reasons; only the question's are known."""
    po = find_role("po", project=Path()).seeds()[0]
    bad = json.dumps(
        {**po.answer, "backlog": [{**po.answer["backlog"][0], "covers": ["FR777"]}, po.answer["backlog"][1]]}
    )
    model, asked = told(lambda _ask: Reply(text=bad))
    with pytest.raises(RoleError, match="FR777 is named"):
        work(worker_of(space(tmp_path, "po"), "semilla"), asked, [po.question])
    assert "FR777" in model.asks[1].turns[-1].content
    assert "FR001" in json.dumps(model.asks[1].schema)
    assert "FR777" not in json.dumps(model.asks[1].schema)


def test_a_dead_model_is_no_bad_answer(tmp_path: Path) -> None:
    """It is said as what it is."""
    with pytest.raises(RuntimeFailedError):
        work(worker(tmp_path), told(gone)[1], [GOOD.question])


@pytest.mark.parametrize(
    ("concept", "question"),
    [
        ("Telemedicine for rural areas", "Concept: Telemedicine for rural areas"),
        (
            "Una agenda para las postas rurales de la región",
            "Concepto: Una agenda para las postas rurales de la región",
        ),
        ("Concept: as it is", "Concept: as it is"),
        ("concepto: así", "concepto: así"),
    ],
)
def test_a_concept_is_asked_in_its_language(concept: str, question: str) -> None:
    """Who wrote the word before it keeps it."""
    assert concept_question(concept) == question


class Room:
    """Counts a token a character."""

    def prompt_ids(self, turns: Sequence[Turn]) -> list[int]:
        """As many as there are characters."""
        return [0] * sum(len(turn.content) for turn in turns)


@pytest.mark.parametrize(("room", "shown"), [(99_999, 3), (2000, 1), (1999, 0), (0, 0), (None, 3)])
def test_examples_give_way_to_a_long_concept(room: int | None, shown: int, tmp_path: Path) -> None:
    """A search measured its own short questions; each of these examples has 2,000 tokens. None: nobody knows how much room there is."""
    own = worker(tmp_path)
    shows = replace(own, program=replace(own.program, examples=(("x" * 1000, "y" * 1000),) * 3))
    model, asked = told(lambda _ask: Reply(text=GOOD.text))
    told_always = len(own.space.system(own.program)) + len(GOOD.question) + own.space.role.form.generation.max_tokens
    model.context, model.client = 0 if room is None else told_always + room, Room()
    answer_of(shows, asked, GOOD.question, 0)
    assert len(model.asks[0].turns) == 2 + 2 * shown


def test_a_question_without_room_is_not_asked(tmp_path: Path) -> None:
    """Every answer would be refused alike; the remedy is the one that helps."""
    model, asked = told(lambda _ask: Reply(text=GOOD.text))
    model.context, model.client = 4096, Room()
    with pytest.raises(RoleError, match="the context has 4096") as error:
        answer_of(worker(tmp_path), asked, "x" * 9000, 0)
    assert "[runtime] context = " in error.value.remedy
    assert not model.asks
