"""Prompt search by reflection."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from afina.synth.program import Program
from afina.synth.search import LONGEST, REMEDIES, Search, Tried, reflection_prompt, search_by_reflection

POOL = [(f"q{at}", f"a{at}") for at in range(6)]


def by_remedies(program: Program, questions: Sequence[str]) -> list[Tried]:
    """A model that gets better with every remedy and every example."""
    score = 0.3 + 0.1 * sum(one in program.instructions for one in REMEDIES.values()) + 0.03 * len(program.examples)
    scores = {"about": 0.2, "new": 0.5, "read": 1.0}
    return [
        Tried(question=one, reply="x", score=min(1.0, score), scores=scores, problems=["it says nothing"])
        for one in questions
    ]


SEARCH = Search(
    start=Program(role="ba", instructions="Do it."),
    train=[f"t{at}" for at in range(6)],
    validation=[f"v{at}" for at in range(4)],
    pool=POOL,
    attempt=by_remedies,
    reflect=lambda _asked, _seed: "",
    calls=80,
)


def test_it_finds_what_is_better() -> None:
    """A model without ideas is given the remedies one after the other; examples are shown too. Nothing is tried twice."""
    found = search_by_reflection(SEARCH)
    assert found.start == pytest.approx(0.3)
    assert found.score > 0.45
    assert found.skipped > 0
    assert found.calls <= SEARCH.calls + 10
    assert found.program.examples or REMEDIES["about"] in found.program.instructions


def test_examples_are_tried_first() -> None:
    """Before anything is reworded, where they fit; a start that shows some is left as it is."""
    told: list[tuple[str, int]] = []

    def remembering(program: Program, questions: Sequence[str]) -> list[Tried]:
        told.append((program.instructions, len(program.examples)))
        return by_remedies(program, questions)

    search = replace(SEARCH, attempt=remembering, calls=1)
    found = search_by_reflection(search)
    assert told[:2] == [("Do it.", 0), ("Do it.", 2)]
    assert found.start == pytest.approx(0.3)
    assert found.score == pytest.approx(0.36)
    assert found.program.examples == tuple(POOL[:2])
    assert search_by_reflection(replace(search, most_examples=1)).program.examples == tuple(POOL[:1])
    assert search_by_reflection(replace(search, most_examples=0)).program.examples == ()
    shown = replace(search, start=replace(SEARCH.start, examples=(POOL[4],)))
    assert search_by_reflection(shown).program.examples == (POOL[4],)


def test_it_is_the_same_again() -> None:
    """That is why an interrupted search goes on where it was: its answers are kept."""
    one, other = search_by_reflection(SEARCH), search_by_reflection(SEARCH)
    assert one == other


def test_nothing_worse_than_the_start_is_given_back() -> None:
    """Where every change is for the worse."""

    def spoilt(program: Program, questions: Sequence[str]) -> list[Tried]:
        score = 0.9 if program.instructions == "Do it." and not program.examples else 0.1
        return [Tried(question=one, reply="", score=score, scores={"new": 0.0}, problems=[]) for one in questions]

    found = search_by_reflection(replace(SEARCH, attempt=spoilt))
    assert found.program.instructions == "Do it."
    assert found.score == found.start


def test_a_models_ideas_are_taken() -> None:
    """As they are; one that is too long is skipped, as is one that was tried."""
    told: list[str] = []

    def reflect(asked: str, _seed: int) -> str:
        told.append(asked)
        return "x" * (LONGEST + 1) if len(told) % 2 else "Do it well. " + REMEDIES["new"]

    found = search_by_reflection(replace(SEARCH, reflect=reflect))
    assert "These instructions are given to a writer" in told[0]
    assert "it says nothing" in told[0]
    assert found.skipped >= 1
    assert len(found.program.instructions) <= LONGEST


def test_a_reflection_that_forgets_the_answers_fields_is_skipped() -> None:
    """It would be a sentence about anything; a remedy is added to what was there instead."""
    start = replace(SEARCH.start, instructions="Give a title and constraints.")
    told: list[str] = []

    def remembering(program: Program, questions: Sequence[str]) -> list[Tried]:
        told.append(program.instructions)
        return by_remedies(program, questions)

    search = replace(SEARCH, start=start, attempt=remembering, fields=["title", "constraints", "other"])
    found = search_by_reflection(replace(search, reflect=lambda _asked, seed: f"Solve all problems {seed}."))
    assert found.skipped > 0
    assert all("title" in one and "constraints" in one for one in told)
    assert (
        search_by_reflection(replace(search, reflect=lambda _asked, _seed: "A title, constraints.")).skipped
        < found.skipped
    )


@pytest.mark.parametrize("after", [0, 3])
def test_an_error_ends_the_search_and_is_said(after: int) -> None:
    """gepa itself would go on and give back the start for a result."""
    calls = 0

    def dies(program: Program, questions: Sequence[str]) -> list[Tried]:
        nonlocal calls
        calls += 1
        if calls > after:
            raise RuntimeError("the model is gone")
        return by_remedies(program, questions)

    with pytest.raises(RuntimeError, match="the model is gone"):
        search_by_reflection(replace(SEARCH, attempt=dies))
    assert calls <= after + 2


def test_an_error_of_the_reflection_is_said_too() -> None:
    """The same model answers there."""

    def dies(_asked: str, _seed: int) -> str:
        raise RuntimeError("the model is gone")

    with pytest.raises(RuntimeError, match="the model is gone"):
        search_by_reflection(replace(SEARCH, reflect=dies))


def test_a_reflection_is_told_the_weakest_point_where_nothing_is_plainly_wrong() -> None:
    """Otherwise it would have nothing to go by."""
    rows = [{"question": "q", "answer": "a", "problems": [], "scores": {"new": 0.4, "read": 1.0}}]
    assert REMEDIES["new"] in reflection_prompt("Do it.", rows)
