"""Turns of the loop on a real database; the heavy steps are fakes that leave what the real ones leave."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from afina.errors import TrainError
from afina.flows.collect import import_file
from afina.flows.project import Project
from afina.flows.rollouts import Clock
from afina.ids import ModelVersionId
from afina.loop import diary
from afina.loop.diary import Happened
from afina.loop.turn import ACTS, Act, turn, until_idle
from afina.progress import Silent, Stages
from afina.records import RunState, Verdict
from afina.store.locks import held
from tests.integration.people import write_people
from tests.integration.users import START, FakeClock, placed
from tests.unit.verdict.test_judge import arm, verdict

Turn = Callable[..., list[Happened] | None]


class FakeModels:
    """Training, export and evaluation that only write down that they were done."""

    def __init__(self) -> None:
        self.broken = False

    def acts(self) -> dict[str, Act]:
        """In place of the real ones."""
        own: dict[str, Act] = {
            "train": self.train,
            "resume": self.train,
            "export": self.export,
            "evaluate": self.evaluate,
            "report": lambda *_: {},
        }
        return {**ACTS, **own}

    def train(self, project: Project, _: Stages, __: Clock) -> dict[str, Any]:
        """A run that is done, or one that fails."""
        dataset = project.ledger.dataset()
        run = project.ledger.plan_run(dataset=dataset.id, base="semilla", config={})
        project.ledger.move_run(run, RunState.RUNNING)
        if self.broken:
            project.ledger.move_run(run, RunState.FAILED, error="diverged")
            raise TrainError("the loss is no number")
        project.ledger.move_run(run, RunState.DONE)
        return {"run": run}

    def export(self, project: Project, _: Stages, __: Clock) -> dict[str, Any]:
        """A version whose file is there."""
        run = project.ledger.newest_run(RunState.DONE)
        name = project.ledger.next_name("semilla")
        placed(project, name, id=ModelVersionId(f"mod_{run.id}"), run=run.id, card={"dataset": run.dataset})
        return {"version": name}

    def evaluate(self, project: Project, _: Stages, __: Clock) -> dict[str, Any]:
        """A go."""
        version = project.ledger.version()
        project.ledger.save_verdict(go(), version.id, project.ledger.dataset().id)
        return {"version": version.name}


def go() -> Verdict:
    """Some verdict that is a go."""
    return verdict(arm("base", 0), arm("tuned", 60))


@pytest.fixture
def wheel(project: Project, tmp_path: Path) -> tuple[Project, FakeClock, FakeModels]:
    """A project with what forty people said."""
    import_file(project, write_people(tmp_path / "c.csv"), Stages(Silent()))
    return project, FakeClock(), FakeModels()


def steps(happened: list[Happened] | None) -> list[str]:
    """What was done."""
    return [one.step for one in happened or []]


def test_from_messages_to_production_and_then_nothing(wheel: tuple[Project, FakeClock, FakeModels]) -> None:
    """Each step once, each with its sentence; then it rests and says what it lacks."""
    project, clock, models = wheel

    done = until_idle(project, Stages(Silent()), acts=models.acts(), clock=clock)

    assert steps(done) == ["watch", "curate", "freeze", "train", "export", "evaluate", "release", "report", "skip"]
    assert done is not None
    assert done[-1].because.startswith("not enough new evidence: 0 new rows of 100")
    assert done[-1].numbers["evidence"]["rows"] == 0
    live = project.ledger.in_production()
    assert live is not None
    with project.session() as session:
        assert [one.step for one in diary.read(session, task=project.task.name, limit=20)] == steps(done)[::-1]


def test_that_there_is_nothing_to_do_is_written_once_a_day(wheel: tuple[Project, FakeClock, FakeModels]) -> None:
    """However often it looks."""
    project, clock, models = wheel
    until_idle(project, Stages(Silent()), acts=models.acts(), clock=clock)
    for _ in range(5):
        clock.now += timedelta(minutes=10)
        turn(project, Stages(Silent()), acts=models.acts(), clock=clock)

    with project.session() as session:
        skipped = [one for one in diary.read(session, task=project.task.name, limit=50) if one.step == "skip"]
    assert len(skipped) == 1


def test_a_failure_is_written_down_and_tried_again_tomorrow(wheel: tuple[Project, FakeClock, FakeModels]) -> None:
    """It ends no loop, and nothing that hangs on it is done."""
    project, clock, models = wheel
    models.broken = True
    done = until_idle(project, Stages(Silent()), acts=models.acts(), clock=clock)
    assert done is not None
    assert (done[-1].step, done[-1].outcome, done[-1].because) == ("train", "failed", "the loss is no number")

    clock.now += timedelta(hours=1)
    rests = turn(project, Stages(Silent()), acts=models.acts(), clock=clock)
    models.broken = False
    clock.now += timedelta(hours=24)
    again = until_idle(project, Stages(Silent()), acts=models.acts(), clock=clock)

    assert rests is not None
    assert rests[-1].step in {"report", "skip"}
    assert "resume" in steps(again)
    assert project.ledger.in_production() is not None


def test_killed_at_every_step_it_goes_on_from_there(wheel: tuple[Project, FakeClock, FakeModels]) -> None:
    """A turn that ends in the middle of a step leaves nothing that is done twice."""
    project, clock, models = wheel

    def killed(act: Act) -> Act:
        def first_time(*arguments: Any) -> dict[str, Any]:
            if act not in seen:
                seen.append(act)
                raise KeyboardInterrupt
            return act(*arguments)

        return first_time

    seen: list[Act] = []
    acts = {name: killed(act) for name, act in models.acts().items()}
    for _ in range(len(acts) + 1):
        try:
            until_idle(project, Stages(Silent()), acts=acts, clock=clock)
        except KeyboardInterrupt:
            continue
    with project.session() as session:
        counts = session.execute(
            "SELECT (SELECT count(*) FROM ml.runs) AS runs, (SELECT count(*) FROM ml.datasets) AS datasets"
        ).fetchone()
    assert counts == {"runs": 1, "datasets": 1}
    assert project.ledger.in_production() is not None


def test_a_step_that_takes_its_process_with_it_is_left_alone(wheel: tuple[Project, FakeClock, FakeModels]) -> None:
    """After three times, for a day; what does not hang on it is done."""
    project, clock, models = wheel

    def killed(*_: Any) -> dict[str, Any]:
        raise KeyboardInterrupt

    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            until_idle(project, Stages(Silent()), acts={**models.acts(), "train": killed}, clock=clock)
    done = until_idle(project, Stages(Silent()), acts=models.acts(), clock=clock)
    assert done is not None
    assert "train failed and is tried again later" in done[-1].because
    clock.now += timedelta(hours=25)

    assert "train" in steps(until_idle(project, Stages(Silent()), acts=models.acts(), clock=clock))


def test_a_later_run_on_an_older_dataset_is_not_taken_for_the_newest_ones(
    wheel: tuple[Project, FakeClock, FakeModels],
) -> None:
    """Each dataset has its own runs; one that was followed by an erased one is known as such."""
    project, clock, models = wheel
    until_idle(project, Stages(Silent()), acts=models.acts(), clock=clock)
    dataset = project.ledger.dataset().id
    run = project.ledger.newest_run(RunState.DONE).id
    with project.session() as session:
        assert not diary.has_successor(session, dataset)
        session.execute(
            "INSERT INTO ml.datasets (id, client_id, task, kind, prompt, card, created_at, erased_rows) "
            "SELECT 'dat_later', client_id, task, kind, prompt, card, created_at + interval '1 hour', 5 FROM ml.datasets WHERE id = %s",
            (dataset,),
        )
        session.execute(
            "INSERT INTO ml.runs (id, client_id, dataset_id, base, state, config) VALUES ('run_x', 'default', 'dat_later', 'b', 'done', '{}')"
        )

        assert diary.has_successor(session, dataset)
        assert diary.run_of(session, dataset) == run


def test_two_loops_at_once_are_one(wheel: tuple[Project, FakeClock, FakeModels]) -> None:
    """The second finds the first at work and does nothing."""
    project, clock, models = wheel
    begun, may_end = threading.Event(), threading.Event()

    def slow(*arguments: Any) -> dict[str, Any]:
        begun.set()
        may_end.wait(30)
        return ACTS["curate"](*arguments)

    first = threading.Thread(
        target=turn,
        args=(project, Stages(Silent())),
        kwargs={"acts": {**models.acts(), "curate": slow}, "clock": clock},
    )
    first.start()
    assert begun.wait(30)
    second = turn(project, Stages(Silent()), acts=models.acts(), clock=clock)
    may_end.set()
    first.join(30)

    assert second is None
    with project.session() as session:
        assert [one.step for one in diary.read(session, task=project.task.name, limit=9)] == ["curate", "watch"]


def test_a_lock_goes_with_its_connection(database: str) -> None:
    """One holder at a time; whoever comes after gets it."""
    with held(database, "x") as first, held(database, "x") as second, held(database, "y") as other:
        assert (first, second, other) == (True, False, True)
    with held(database, "x") as again:
        assert again


def test_heavy_steps_wait_for_their_hours(wheel: tuple[Project, FakeClock, FakeModels]) -> None:
    """Curation does not; what waits is said."""
    project, clock, models = wheel
    hour = (START.astimezone().hour + 2) % 24
    loop = project.settings.loop.model_copy(update={"heavy_hours": f"{hour}-{(hour + 1) % 24}"})
    night = replace(project, settings=project.settings.model_copy(update={"loop": loop}))

    done = until_idle(night, Stages(Silent()), acts=models.acts(), clock=clock)

    assert steps(done)[:2] == ["watch", "curate"]
    assert done is not None
    assert "freeze waits: waiting: heavy work is for the hours" in done[-1].because
