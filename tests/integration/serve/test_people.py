"""People and how they want to be spoken to, in the database."""

from afina.flows.project import Project
from afina.serve.people import Person, PersonChange, change_person, read_person


def test_what_is_named_changes_and_the_rest_stays(project: Project) -> None:
    """A person who was never seen is added, once."""
    with project.session() as session:
        assert read_person(session, "ana") == Person()
        change_person(
            session, "ana", PersonChange(intensity=0.9, categories=["ocio"], privacy_flags={"training": False})
        )
        found = change_person(session, "ana", PersonChange(tone="formal", budget_goal=500000))
        count = session.execute("SELECT count(*) AS n FROM app.users WHERE external_id = 'ana'").fetchone()

    assert count == {"n": 1}
    assert found == Person(
        intensity=0.9, tone="formal", budget_goal=500000, categories=["ocio"], privacy_flags={"training": False}
    )
