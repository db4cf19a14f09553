"""Exports of other tools in a project."""

import json
from pathlib import Path

import pytest

from afina.errors import InputError
from afina.flows.bring import Export, bring
from afina.flows.project import Project
from afina.progress import Silent, Stages

EXPORTS = Path(__file__).parents[2] / "data" / "importers"
CHATS = EXPORTS / "openwebui" / "all-chats-export-1772300000000.json"
FEEDBACK = EXPORTS / "openwebui" / "feedback-history-export-1772300200000.json"


def evidence(project: Project) -> dict[str, int]:
    """Quality of each rated answer."""
    with project.session() as session:
        rows = session.execute(
            "SELECT i.external_id, e.quality FROM app.evidence e JOIN app.interactions i ON i.id = e.interaction_id WHERE e.kind = 'rating'"
        ).fetchall()
    return {row["external_id"]: row["quality"] for row in rows}


def test_thumbs_of_another_tool_become_evidence_and_twice_is_once(project: Project) -> None:
    """Chats first, their history of feedback later: the same answers by the same ids, so ratings find them."""
    added, _, look = bring(project, Export(path=CHATS), Stages(Silent()))
    again, rated, _ = bring(project, Export(path=CHATS), Stages(Silent()))

    assert (look.kind, added, again, rated) == ("openwebui", look.answers, 0, 0)
    before = evidence(project)
    assert set(before.values()) == {1, 5}
    more, _, _ = bring(project, Export(path=FEEDBACK), Stages(Silent()))
    assert 0 < more < 8
    assert set(before) < set(evidence(project))
    assert bring(project, Export(path=FEEDBACK), Stages(Silent()))[:2] == (0, 0)


def test_a_cut_export_changes_nothing(project: Project, tmp_path: Path) -> None:
    """It is looked through before anything is stored."""
    path = tmp_path / "cut.json"
    path.write_bytes(CHATS.read_bytes()[:-400])

    with pytest.raises(InputError, match="entries are whole"):
        bring(project, Export(path=path), Stages(Silent()))
    with project.session() as session:
        assert session.execute("SELECT 1 FROM app.interactions").fetchone() is None


def test_personal_data_and_damage_are_gone_before_the_database(project: Project, tmp_path: Path) -> None:
    """A RUT, and text that was decoded with the wrong code page."""
    path = tmp_path / "a.jsonl"
    rows = [
        {"pregunta": "mi rut es 18.972.631-7", "respuesta": "Gracias."},
        {"pregunta": "Â¿CuÃ¡nto cuesta el envÃ­o?", "respuesta": "$3.990"},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    _, _, look = bring(project, Export(path=path), Stages(Silent()))
    with project.session() as session:
        texts = [row["text"] for row in session.execute("SELECT text FROM app.interactions ORDER BY text").fetchall()]

    assert texts == ["mi rut es [RUT]", "¿Cuánto cuesta el envío?"]
    assert (look.repaired, look.scrubbed) == (1, {"RUT": 1})
