"""A message arrives, and the answer before it has a score."""

from typing import Any

from afina.flows.project import Project
from tests.integration.serve.conftest import Opened, rows


def evidence(project: Project) -> list[dict[str, Any]]:
    """What is known of every answer, in their order."""
    with project.session() as session:
        return session.execute(
            "SELECT e.quality, e.success, e.kind, e.rules FROM app.evidence e JOIN app.interactions i ON i.id = e.interaction_id ORDER BY i.created_at, i.id"
        ).fetchall()


def say(client: Any, text: str, conversation: str = "c-1") -> str:
    """One message and its answer, captured."""
    found: str = client.post(
        "/v1/interactions", json={"text": text, "answer": "La tenemos a $12.990.", "conversation": conversation}
    ).json()["interaction"]
    return found


def test_the_next_message_scores_the_answer_and_better_evidence_replaces_it(opened: Opened, project: Project) -> None:
    """Reaction, then what came after the thanks, then a sale, then a rating; the last answer has none, and silence no row."""
    with opened() as client:
        first = say(client, "¿tienen la lámpara?")
        rows(project, 1)
        assert evidence(project) == []
        say(client, "ok gracias")
        rows(project, 2)
        assert [(one["quality"], one["kind"]) for one in evidence(project)] == [(5, "reaction")]
        say(client, "sigue sin funcionar")
        rows(project, 3)
        assert [(one["quality"], one["rules"][0]) for one in evidence(project)] == [
            (1, "quality.failed"),
            (1, "quality.failed"),
        ]
        client.post("/v1/feedback", json={"interaction": first, "outcome": {"name": "sale", "value": 1}})
        assert (evidence(project)[0]["quality"], evidence(project)[0]["kind"], evidence(project)[0]["success"]) == (
            5,
            "sale",
            True,
        )
        client.post("/v1/feedback", json={"interaction": first, "rating": 2})
        assert (evidence(project)[0]["quality"], evidence(project)[0]["kind"]) == (2, "rating")


def test_conversations_do_not_score_one_another(opened: Opened, project: Project) -> None:
    """Two customers at once."""
    with opened() as client:
        say(client, "¿tienen sillas?", "c-1")
        say(client, "no me gusta nada esto", "c-2")
        rows(project, 2)

    assert evidence(project) == []


def test_personal_data_never_reaches_the_tables(opened: Opened, project: Project) -> None:
    """What is recorded of a conversation with a RUT says its type and nothing else."""
    with opened() as client:
        say(client, "soy Camila Flores, mi rut es 18.972.631-7")
        rows(project, 1)
        with project.session() as session:
            [row] = session.execute("SELECT * FROM app.interactions").fetchall()

    assert row["text"] == "soy [PERSON], mi rut es [RUT]"
    assert row["findings"] == {"PERSON": 1, "RUT": 1}
    assert "18.972" not in str(row)
