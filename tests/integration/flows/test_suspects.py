"""Doubtful labels → the review queue."""

import csv
from pathlib import Path

from afina.capture import unreviewed
from afina.curate import agreement, save_suspects
from afina.flows.collect import import_file
from afina.flows.curate import curate_project
from afina.flows.project import Project
from afina.flows.suspects import doubts_in_file, find_doubts
from afina.progress import Silent, Stages
from tests.unit.curate.test_suspects import labelled

WRONG = 30


def written(path: Path) -> Path:
    """Three hundred messages, one of them with a wrong topic."""
    texts, topics = labelled(300)
    topics[WRONG] = next(one for one in ("pago", "envio") if one != topics[WRONG])
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(["id", "text", "reviewer", "sentiment", "topic", "intent"])
        out.writerows(
            [n, text, "eva", "ab"[n % 2], topic, "ef"[n % 2]]
            for n, (text, topic) in enumerate(zip(texts, topics, strict=True))
        )
    return path


def test_a_wrong_label_stands_first_in_the_review_until_somebody_decides(project: Project, tmp_path: Path) -> None:
    """Then it is gone from there, and the two people's agreement is known."""
    stages = Stages(Silent())
    import_file(project, written(tmp_path / "c.csv"), stages)
    curate_project(project, stages)
    doubts = [one for one in find_doubts(project, stages) if one.field == "topic"]
    with project.session() as session:
        save_suspects(session, [(one.example.source, one.field, one.suspect) for one in doubts], task=project.task.name)
    with project.session() as session:
        [first, *_] = unreviewed(session, task=project.task.name, limit=5)
        session.execute(
            "INSERT INTO app.feedback (id, client_id, interaction_id, kind, value, reviewer) "
            "VALUES ('fbk_x', 'default', %s, 'corrected', %s, 'ana')",
            (first["id"], '{"topic": "clave", "sentiment": "a", "intent": "e"}'),
        )
    with project.session() as session:
        left = [row["id"] for row in unreviewed(session, task=project.task.name, limit=50)]
        agreed = agreement(session, task=project.task.name)

    assert (first["suspect"], first["field"]) == ("label", "topic")
    assert first["text"] == labelled(300)[0][WRONG]
    assert first["id"] not in left
    assert agreed["messages"] == 1
    assert agreed["agreement"] < 1


def test_a_file_is_ranked_by_line(tmp_path: Path) -> None:
    """The wrong one first."""
    [(line, first), *_] = doubts_in_file(written(tmp_path / "c.csv"), Stages(Silent()), text="text", label="topic")

    assert line == WRONG + 2
    assert first.suggested == labelled(300)[1][WRONG]
