"""Which answers of a conversation are learnt."""

import json
from pathlib import Path

from afina.curate import curate
from afina.files import SourceRow
from afina.records import Exchange, FeedbackKind, Turn
from tests.tasks import task_of

TASK = task_of("chat", task={"prompt": "Breve."})


def talk(name: str, *contents: str) -> list[Exchange]:
    """User and assistant in turn, as an import makes exchanges of them."""
    messages = [{"role": "user" if at % 2 == 0 else "assistant", "content": text} for at, text in enumerate(contents)]
    row = SourceRow(1, {"messages": messages, "id": name})
    return [
        Exchange(
            id=f"{name}#{len(said.turns)}", turns=said.turns, answer=said.answer, reaction=said.reaction, group=name
        )
        for said in TASK.kind.said(TASK, Path("f"), row)
    ]


def test_every_answer_is_kept_or_rejected_with_its_reason() -> None:
    """Good reaction in, bad reaction, no reaction and duplicate out."""
    exchanges = [
        *talk("a", "precio?", "Cuesta 10.", "gracias"),
        *talk("b", "precio?", "Cuesta 20.", "no me sirve"),
        *talk("c", "precio?", "Cuesta 30."),
        *talk("d", "hola", "Hola. ¿Qué buscas?", "una taza", "Tenemos tazas.", "perfecto"),
        *talk("e", "precio?", "Cuesta 10.", "gracias"),
    ]

    curated = curate(exchanges, TASK)

    assert [e.source for e in curated.examples] == ["d#1", "d#3", "e#1"]
    reasons = {r.source: r.reason for r in curated.rejections}
    assert reasons["a#1"] == "exact duplicate of a newer message"
    assert reasons["b#1"].startswith("quality 1")
    assert reasons["c#1"] == "no reaction to judge it by"
    assert curated.examples[1].turns == (
        Turn("user", "hola"),
        Turn("assistant", "Hola. ¿Qué buscas?"),
        Turn("user", "una taza"),
    )


def test_the_newest_are_kept_when_there_are_too_many() -> None:
    """Document 003's limit."""
    task = task_of("chat", curate={"newest": 2})
    exchanges = [one for n in range(5) for one in talk(str(n), f"pregunta {n}", f"Respuesta {n}.", "gracias")]

    curated = curate(exchanges, task)

    assert [e.group for e in curated.examples] == ["3", "4"]
    assert sum("older than the newest 2" in r.reason for r in curated.rejections) == 3


def test_two_good_answers_to_one_question_are_both_learnt() -> None:
    """Unlike labels, they do not contradict one another."""
    exchanges = [*talk("a", "precio?", "Cuesta 10.", "gracias"), *talk("b", "precio?", "Diez.", "gracias")]

    assert len(curate(exchanges, TASK).examples) == 2


def test_a_persons_word_counts_more_than_a_reaction() -> None:
    """A correction is the ideal answer; an acceptance needs no reaction."""
    turns = (Turn("user", "precio?"),)
    corrected = Exchange(
        id="1", turns=turns, answer="Ni idea.", kind=FeedbackKind.CORRECTED, value={"answer": "Diez."}, reaction="mal"
    )
    accepted = Exchange(id="2", turns=(Turn("user", "hola"),), answer="Hola.", kind=FeedbackKind.ACCEPTED)

    curated = curate([corrected, accepted], TASK)

    assert [(e.answer, e.facts["quality"]) for e in curated.examples] == [("Diez.", 5), ("Hola.", 5)]


def test_a_row_says_what_followed_and_what_it_is_about() -> None:
    """System turns open every answer's context; the product travels along."""
    messages = [
        {"role": "system", "content": "Propio."},
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
        {"role": "user", "content": "gracias"},
    ]
    row = SourceRow(4, json.loads(json.dumps({"messages": messages, "product": "Taza"})))

    (said,) = TASK.kind.said(TASK, Path("f.jsonl"), row)

    assert said.turns == (Turn("system", "Propio."), Turn("user", "a"))
    assert (said.reaction, said.facts, said.conversation) == ("gracias", {"product": "Taza"}, "f.jsonl:4")
