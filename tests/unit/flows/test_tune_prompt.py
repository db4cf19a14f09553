"""Prompt search for a role."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from afina.errors import InputError, RuntimeFailedError
from afina.flows.role_model import Ask, Reply
from afina.flows.role_space import open_space
from afina.flows.tune_prompt import (
    SearchOptions,
    Trial,
    is_better,
    outcome_of,
    parted_seeds,
    tune_prompt,
    with_room,
)
from afina.roles import find_role
from afina.runtime import RuntimeClient
from afina.synth.search import REFLECTION, search_by_reflection
from tests.unit.flows.role_models import gone, space, told

SEEDS = find_role("ba", project=Path()).seeds()
QUESTIONS = [f"{seed.question} {often}" for often in ("Soon.", "Now.") for seed in SEEDS[:6]]


def answer(ask: Ask) -> Reply:
    """Right where an example is shown, malformed where none is; its reflections are no JSON."""
    if ask.schema == REFLECTION:
        return Reply(text="I think that")
    if len(ask.turns) == 2:
        return Reply(text="no idea")
    return Reply(text=next(seed.text for seed in SEEDS if seed.question in ask.turns[-1].content))


def test_examples_are_found_where_they_help(tmp_path: Path) -> None:
    """Malformed answers are counted; a reflection that is none is skipped; the program says what it was found with."""
    model, asked = told(answer)
    program = tune_prompt(Trial(space(tmp_path), asked, SearchOptions(calls=60)), QUESTIONS, search_by_reflection)
    assert program.found["start"] == 0
    assert program.found["score"] > 0.9
    assert program.examples
    assert program.found["malformed"] > 0
    assert program.found["skipped"] > 0
    assert program.found["metric"] == "role_score"
    assert program.found["confirming"] == 6
    assert program.found["gain"] > 0.9
    assert program.found["p_value"] == pytest.approx(1 / 2**6, abs=0.005)
    assert is_better(program)
    shown = {question for question, _ in program.examples}
    assert shown <= {seed.question for seed in SEEDS[:10]}
    system = model.asks[0].turns[0].content
    assert system.startswith(space(tmp_path).role.instructions.strip()[:40])
    assert '"functional_requirements"' in system  # the schema is told to a base


def test_a_gain_on_the_questions_that_chose_is_not_enough(tmp_path: Path) -> None:
    """The others, which nothing was chosen by, must show it too; they are asked last, and only where something was found."""
    chosen = QUESTIONS[:6]
    asked_others = list[str]()

    def lucky(ask: Ask) -> Reply:
        question = ask.turns[-1].content
        if question in QUESTIONS[6:]:
            asked_others.append(question)
            return Reply(text=SEEDS[0].text)
        return answer(ask) if question in chosen or ask.schema == REFLECTION else Reply(text="no idea")

    model, asked = told(lucky)
    program = tune_prompt(Trial(space(tmp_path), asked, SearchOptions(calls=60)), QUESTIONS, search_by_reflection)
    assert program.found["score"] > program.found["start"]
    assert (program.found["gain"], program.found["p_value"]) == (0, 1)
    assert asked_others == [*QUESTIONS[6:], *QUESTIONS[6:]]
    assert [ask.turns[-1].content for ask in model.asks[-12:]] == asked_others
    assert not is_better(program)
    assert "may be chance, not taken" in outcome_of(program)


def test_a_search_that_found_nothing_is_not_confirmed(tmp_path: Path) -> None:
    """That would be answers for nothing."""
    model, asked = told(lambda _ask: Reply(text="no idea"))
    program = tune_prompt(Trial(space(tmp_path), asked, SearchOptions(calls=30)), QUESTIONS, search_by_reflection)
    assert (program.found["confirming"], program.found["p_value"]) == (0, 1)
    assert not is_better(program)
    assert outcome_of(program).endswith("malformed")
    assert not any(ask.turns[-1].content in QUESTIONS[6:] for ask in model.asks)


def test_too_few_questions_are_said_first(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Four that confirm cannot show anything surely."""
    _, asked = told(answer)
    tune_prompt(Trial(space(tmp_path), asked, SearchOptions(calls=30)), QUESTIONS[:8], search_by_reflection)
    assert "8 questions are too few to be sure that a found prompt is better; 10 are enough" in caplog.text


def test_no_more_answers_are_asked_for_than_allowed(tmp_path: Path) -> None:
    """Two prompts with each question are the least; fewer answers are refused, and nobody is asked."""
    model, asked = told(answer)
    program = tune_prompt(Trial(space(tmp_path), asked, SearchOptions(calls=24)), QUESTIONS, search_by_reflection)
    assert program.found["calls"] == 24
    assert len({(ask.turns, ask.drawn) for ask in model.asks}) == 24
    model, asked = told(answer)
    with pytest.raises(InputError, match="--calls 23: 12 questions need 24 answers, two prompts with each of them"):
        tune_prompt(Trial(space(tmp_path), asked, SearchOptions(calls=23)), QUESTIONS, search_by_reflection)
    assert not model.asks


@pytest.mark.parametrize(("context", "shown"), [(0, 6), (100_000, 6), (9_000, 2), (1_000, 0)])
def test_no_more_examples_are_shown_than_have_room(tmp_path: Path, context: int, shown: int) -> None:
    """With the longest question, instructions and answer; of a model elsewhere nobody knows."""
    model, asked = told(answer)
    client = SimpleNamespace(prompt_ids=lambda turns: "".join(turn.content for turn in turns))
    model.context, asked.client = context, cast("RuntimeClient", client)
    pool = [("?" * 100, "!" * length) for length in (100, *[1900] * 9)]
    trial = Trial(space(tmp_path), asked, SearchOptions())
    start = len(client.prompt_ids(trial.ask(trial.space.start_program(), "?").turns))
    assert 900 + start + 3 * 2000 > 9_000 > 900 + start + 2 * 2000
    assert with_room(trial, pool, ["?"]) == shown


def test_the_held_out_examples_are_never_shown(tmp_path: Path) -> None:
    """Not as a question, not as an example."""
    model, asked = told(answer)
    tune_prompt(Trial(space(tmp_path), asked, SearchOptions(calls=60)), QUESTIONS, search_by_reflection)
    said = json.dumps([[turn.content for turn in ask.turns] for ask in model.asks], ensure_ascii=False)
    assert not any(json.dumps(seed.question, ensure_ascii=False)[1:-1] in said for seed in SEEDS[10:])


def test_few_examples_are_parted_too() -> None:
    """Two fifths may be seen; fewer than four are refused."""
    seen, held_out = parted_seeds(SEEDS[:5])
    assert (len(seen), len(held_out)) == (2, 3)
    seen, held_out = parted_seeds(SEEDS)
    assert (len(seen), len(held_out)) == (10, 15)
    with pytest.raises(InputError, match="3 examples: a search needs at least 4"):
        parted_seeds(SEEDS[:3])


def test_a_metric_that_raises_is_named(tmp_path: Path) -> None:
    """The user's own; the search ends."""
    (tmp_path / "own.py").write_text("def score(item, reply):\n    return 1 / 0\n")
    _, asked = told(answer)
    options = SearchOptions(calls=24, metric=f"{tmp_path}/own.py:score")
    with pytest.raises(InputError, match="own:score failed on item 'question': ZeroDivisionError"):
        tune_prompt(Trial(space(tmp_path), asked, options), QUESTIONS, search_by_reflection)


def test_a_metric_that_wants_a_right_answer_is_refused_first(tmp_path: Path) -> None:
    """A search has none: all would be worth nothing, after an hour."""
    with pytest.raises(InputError, match="--metric rouge_l"):
        Trial(space(tmp_path), told(answer)[1], SearchOptions(metric="rouge_l"))
    own = open_space("ba", tmp_path, {"task": {"metrics": ["slot_f1", "schema_valid"]}})
    assert Trial(own, told(answer)[1], SearchOptions()).metric.name == "schema_valid"  # the first that can be asked


def test_a_dead_model_ends_the_search(tmp_path: Path) -> None:
    """It is said as what it is."""
    with pytest.raises(RuntimeFailedError, match="the worker is gone"):
        tune_prompt(Trial(space(tmp_path), told(gone)[1], SearchOptions(calls=24)), QUESTIONS, search_by_reflection)
