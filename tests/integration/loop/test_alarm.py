"""An alert on worse answers."""

from datetime import timedelta

from afina.flows.project import Project
from afina.loop.alarm import drop
from afina.records import Rollout
from tests.integration.users import START, traffic


def moved(project: Project, users: range, *, days: float) -> None:
    """What these users said was said so many days after the start."""
    with project.session() as session:
        session.execute(
            "UPDATE app.interactions SET created_at = %s WHERE id = ANY(%s)",
            (START + timedelta(days=days), [f"int_{user}" for user in users]),
        )


def test_more_corrections_than_before_are_told(project: Project, canary: Rollout) -> None:
    """With both shares; as many as before are nothing, and too few are nothing either."""
    traffic(project, canary, range(200), wrong=lambda _: 0.1)
    traffic(project, canary, range(200, 300), wrong=lambda _: 0.1)
    moved(project, range(200), days=0)
    moved(project, range(200, 300), days=10)
    with project.session() as session:
        quiet = drop(session, task=project.task.name, at=START + timedelta(days=12))
    traffic(project, canary, range(300, 420), wrong=lambda _: 0.6)
    moved(project, range(420), days=0)
    moved(project, range(300, 420), days=10)
    with project.session() as session:
        told = drop(session, task=project.task.name, at=START + timedelta(days=12))
        few = drop(session, task=project.task.name, at=START + timedelta(days=60))

    assert quiet == ""
    assert told.startswith("people accept ")
    assert "answers of the last week" in told
    assert few == ""
