"""Models beside each other as a role."""

from pathlib import Path

import pytest

from afina.errors import InputError
from afina.flows.role_compare import (
    Contender,
    contender_arm,
    figures,
    headline_measure,
    metrics_of,
    role_set,
    role_verdict,
    seed_items,
    stress_items,
)
from afina.records import EvalRecord, Output, Scored, Turn
from afina.roles.checks import ID
from tests.unit.flows.role_models import space


def scored(folder: Path, name: str, score: float) -> Scored:
    """A model that answered every held-out example with the right answer, and a score that is told."""
    own = space(folder)
    eval_set = role_set(own, seed_items(own, own.role.seeds()[10:]), bound=False)
    outputs = tuple(
        Output(item=item.id, text=item.expected, tokens_out=100, milliseconds=1000, cut=at == 0)
        for at, item in enumerate(eval_set.items)
    )
    record = EvalRecord(eval_set=eval_set, arm=name, source={}, outputs=outputs, peak_rss_mb=300)
    scores = {
        metric: {item.id: score + at / 1000 for at, item in enumerate(eval_set.items)} for metric in metrics_of("ba")
    }
    return Scored(record=record, scores=scores)


def test_free_and_bound_are_two_sets(tmp_path: Path) -> None:
    """The same items; one has a schema without our own notes."""
    own = space(tmp_path)
    items = seed_items(own, own.role.seeds()[:2])
    free, bound = role_set(own, items, bound=False), role_set(own, items, bound=True)
    assert (free.answer_schema, free.items) == (None, bound.items)
    assert bound.answer_schema is not None
    assert "x-guidance" in bound.answer_schema
    assert free.items[0].rules["schema"]["required"][0] == "title"


def test_who_is_judged_bound_may_name_what_a_run_may_name(tmp_path: Path) -> None:
    """The product owner covers the requirements of each question; free answers are bound by nothing."""
    own = space(tmp_path, "po")
    items = seed_items(own, own.role.seeds()[:2])

    bound, free = role_set(own, items, bound=True), role_set(own, items, bound=False)

    for item in bound.items:
        covers = (bound.binding(item) or {})["properties"]["backlog"]["items"]["properties"]["covers"]
        assert covers["items"]["enum"] == [one for one in dict.fromkeys(ID.findall(item.question)) if "FR" in one]
        assert bound.binding(item) == own.ask((Turn("user", item.question),), item.question, 0).schema
    assert [free.binding(item) for item in free.items] == [None, None]


def test_a_verdict_is_reached_on_fifteen_examples(tmp_path: Path) -> None:
    """By the role's score; document 001's measure is shown beside it."""
    old, new = scored(tmp_path, "base", 0.3), scored(tmp_path, "v1", 0.8)
    found = role_verdict(space(tmp_path), [old, new], "base", "v1")
    assert (found.outcome.value, found.metrics) == ("go", ("role_score",))
    assert "ba_requirements_metric" in found.shown
    assert role_verdict(space(tmp_path), [old, scored(tmp_path, "v1", 0.3)], "base", "v1").outcome.value != "go"


def test_figures_have_the_documents_names(tmp_path: Path) -> None:
    """Quantity is the mean number of entries with an id."""
    found = figures(scored(tmp_path, "v1", 0.8))
    assert found["tokens_per_sec"] == 100
    assert found["ram_usage_mb"] == 300
    assert found["cut"] == 1
    assert 5 < found["quantity"] < 10


def test_a_role_is_measured_by_its_own_measure() -> None:
    """Document 001's is the analyst's, and looks for what requirements have."""
    assert [headline_measure(role) for role in ("ba", "po")] == ["ba_requirements_metric", "role_score"]


def test_hard_cases_have_no_right_answer(tmp_path: Path) -> None:
    """They are asked and shown."""
    own = space(tmp_path)
    found = stress_items(own, [("s1", "Concept: an app")])
    assert (found[0].expected, found[0].question) == ("", "Concept: an app")


def test_who_is_not_there_is_said_before_anybody_is_asked(tmp_path: Path) -> None:
    """A file, or a set of answers."""
    own = space(tmp_path)
    for source in ("nobody.gguf", "nobody.jsonl"):
        with pytest.raises(InputError, match="no such file"):
            contender_arm(own, Contender(name="x", source=source, program=own.start_program()), tmp_path, bound=True)


def test_each_contender_is_bound_in_its_own_form(tmp_path: Path) -> None:
    """On the same items: the record of the tuned one says so."""
    own = space(tmp_path)
    for program, form in ((own.start_program(), None), (own.short_program(), "yaml")):
        one = Contender(name="a", source="http://127.0.0.1:9/v1#m", program=program)
        assert contender_arm(own, one, tmp_path, bound=True).source.get("form") == form
