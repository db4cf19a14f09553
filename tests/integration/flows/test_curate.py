"""Judgements are a history; single rows may be judged elsewhere."""

from dataclasses import replace

from afina.curate import curations, history
from afina.flows.curate import PlanOf, curate_all, curate_project
from afina.flows.project import Project
from afina.progress import Silent, Stages


def test_judgements_stay_and_only_what_changed_is_judged_again(people: Project) -> None:
    """A second curation adds nothing; a stricter one adds a row for each example that it judges otherwise."""
    again = curate_project(people, Stages(Silent()))

    assert again.reused == 120
    newest = people.settings.curate.model_copy(update={"newest": 100})
    strict = people.settings.model_copy(update={"curate": newest})
    stricter = replace(people, settings=strict, task=replace(people.task, curate=strict.curate))
    found = curate_project(stricter, Stages(Silent()))
    assert (len(found.examples), found.reused) == (100, 120)
    with people.session() as session:
        counts = session.execute(
            "SELECT count(*) AS n, count(DISTINCT id) AS ids, count(DISTINCT curation_id) AS runs FROM ml.examples"
        ).fetchone()
        runs = curations(session, task=people.task.name)
        told = history(session, found.rejections[0].example.id)
    assert counts == {"n": 140, "ids": 120, "runs": 2}
    assert [run["added"] for run in runs] == [20, 0, 120]
    assert [(one["kept"], one["step"]) for one in told] == [(True, ""), (False, "newest")]


def test_another_decision_is_judged_again_and_alone(people: Project) -> None:
    """What a person corrects today is a new judgement of that example."""
    with people.session() as session:
        session.execute(
            "INSERT INTO app.feedback (id, client_id, interaction_id, kind, value) SELECT 'fbk_new', client_id, id, 'corrected', "
            '\'{"sentiment": "z", "topic": "c", "intent": "e"}\' FROM app.interactions ORDER BY id LIMIT 1'
        )

    found = curate_project(people, Stages(Silent()))

    assert (found.reused, len(found.examples)) == (119, 120)
    assert sum('"z"' in one.answer for one in found.examples) == 1


def test_over_processes_the_judgements_are_the_same(people: Project) -> None:
    """The plan is made again where the rows are judged."""
    exchanges = [replace(one, judged=()) for one in people.ledger.exchanges(needs_feedback=True)]
    plan = PlanOf.of(people)
    here, there = (curate_all(exchanges, plan, executor=None, processes=count, tell=lambda _: None) for count in (1, 2))

    assert list(here.judged) == list(there.judged)
    assert here.steps == there.steps
