"""Decisions of a file reach the database, and none of them is lost there."""

from pathlib import Path

import pytest

from afina.flows.collect import import_file
from afina.flows.curate import curate_project
from afina.flows.project import Project, database_project
from afina.progress import Silent, Stages
from afina.settings import Settings
from afina.tasks.classify import read_labels

STAGES = Stages(Silent())
DIFFERENT = ["gracias 👍", "gracias 👎", "0+2", "0-2", "en serio?", "en serio!", "C++ o C#", "C++ o C"]


def written(folder: Path, name: str, *rows: str) -> Path:
    """A file of decisions."""
    path = folder / name
    path.write_text("\n".join(rows) + "\n", "utf-8")
    return path


def kept(project: Project) -> dict[str, str]:
    """Message → topic of what curation kept."""
    return {e.message: read_labels(e.answer)["topic"] for e in curate_project(project, STAGES).examples}


@pytest.fixture
def topics(project: Project) -> Project:
    """A project with one field."""
    sections = project.settings.model_dump()
    sections["task"]["fields"] = ["topic"]
    sections["curate"]["near_duplicate"] = 1.0  # what is told apart here differs in a sign
    return database_project(project.paths, Settings.model_validate(sections), project.dsn)


def test_messages_that_differ_in_a_sign_all_stay(topics: Project, tmp_path: Path) -> None:
    """Half of them used to be contradicted by the other half."""
    rows = [f"{text},{'ab'[at % 2]}" for at, text in enumerate(DIFFERENT)]
    import_file(topics, written(tmp_path, "a.csv", "text,topic", *rows), STAGES)

    assert kept(topics) == {text: "ab"[at % 2] for at, text in enumerate(DIFFERENT)}


@pytest.mark.parametrize("times", [("", ""), ("2026-05-02", "2026-05-01"), ("2026-05-01", "2026-05-02")])
def test_of_two_decisions_in_a_file_the_later_row_wins(topics: Project, tmp_path: Path, times: tuple[str, str]) -> None:
    """Always: whatever times the rows bring, and within one millisecond."""
    rows = [f"mensaje {n},{label},{at}" for label, at in zip("ab", times, strict=True) for n in range(300)]
    import_file(topics, written(tmp_path, "a.csv", "text,topic,created_at", *rows), STAGES)

    assert set(kept(topics).values()) == {"b"}
    assert len(kept(topics)) == 300


def test_a_corrected_file_may_be_imported_again(topics: Project, tmp_path: Path) -> None:
    """Its new decisions count; importing the old one once more brings nothing back."""
    path = written(tmp_path, "a.csv", "id,text,topic", "1,hola,a", "2,adiós,b")
    old = path.read_bytes()
    import_file(topics, path, STAGES)
    written(tmp_path, "a.csv", "id,text,topic", "1,hola,b", "2,adiós,b")

    import_file(topics, path, STAGES)
    assert STAGES.said["import"] == "0 new of 2 rows, 1 decided anew"
    path.write_bytes(old)
    import_file(topics, path, STAGES)
    assert STAGES.said["import"] == "0 new of 2 rows"

    assert kept(topics) == {"hola": "b", "adiós": "b"}


def test_classes_that_look_alike_are_pointed_out(
    topics: Project, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With the lines; blanks and Unicode forms make no class."""
    path = written(
        tmp_path,
        "a.csv",
        "text,topic",
        "uno,pago",
        "dos,Pago",
        "tres, pago ",
        "cuatro,envi\u0301o",
        "cinco,envío",
        "seis,NaN",
    )
    with caplog.at_level("WARNING", logger="afina.notice"):
        import_file(topics, path, STAGES)

    assert "'Pago' (line 3) and 'pago' (2 rows, lines 2, 4) are 2 classes" in caplog.text
    assert "'NaN' (line 7) reads like a missing value" in caplog.text
    assert set(kept(topics).values()) == {"pago", "Pago", "envío", "NaN"}
