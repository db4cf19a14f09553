"""What roles hand to one another."""

from pathlib import Path

import pytest
import yaml

from afina.errors import InputError
from afina.roles import find_role
from afina.roles.artifacts import as_yaml, joined, questions_of, read_artifact

STORY = {"id": "S001", "epic": "E001", "title": "As a nurse", "acceptance": ["It is so"]}
ARCHITECTURE = {
    "architecture": {"summary": "s", "components": [{"name": "web", "purpose": "p"}], "decisions": ["d"]},
    "epics": [],
    "stories": [STORY, {**STORY, "id": "S002"}],
}
REQUIREMENTS = {"title": "Citas para el consultorio: ñandú", "description": "x" * 300}


def test_yaml_keeps_order_letters_and_lines() -> None:
    """A person reads and diffs it."""
    text = as_yaml(REQUIREMENTS)
    assert text.startswith("title: 'Citas para el consultorio: ñandú'\ndescription: x")
    assert len(text.splitlines()) == 2
    assert yaml.safe_load(text) == REQUIREMENTS


def test_a_role_is_asked_what_it_reads(tmp_path: Path) -> None:
    """The tester: all of the requirements, of the architecture the stories only."""
    role = find_role("qa", project=tmp_path)
    (question,) = questions_of(role, {"ba": REQUIREMENTS, "architect": ARCHITECTURE})
    assert question.startswith("requirements:\ntitle: ")
    assert "architecture:\nstories:\n- id: S001" in question
    assert "epics" not in question


def test_a_developer_is_asked_for_each_story(tmp_path: Path) -> None:
    """With the components beside it; the answers become one artifact."""
    questions = questions_of(find_role("dev", project=tmp_path), {"architect": ARCHITECTURE})
    assert [one.splitlines()[1] for one in questions] == ["id: S001", "id: S002"]
    assert all(one.endswith("components:\n- name: web\n  purpose: p\n") for one in questions)
    assert joined([{"files": [1]}, {"files": [2]}]) == {"files": [1, 2]}
    assert joined([{"files": [1]}]) == {"files": [1]}


@pytest.mark.parametrize("artifact", [{}, {"stories": []}, {"stories": "none"}])
def test_nothing_to_work_on_is_said(artifact: dict[str, object], tmp_path: Path) -> None:
    """An edited file may lack it."""
    with pytest.raises(InputError, match="architect"):
        questions_of(
            find_role("dev", project=tmp_path), {"architect": {**artifact, "architecture": {"components": []}}}
        )


@pytest.mark.parametrize(
    ("text", "said"),
    [(None, "no such file"), ("a: [", "line 1"), ("- 1", "no YAML with named fields"), ("", "no YAML")],
)
def test_a_file_that_cannot_be_read_is_named(text: str | None, said: str, tmp_path: Path) -> None:
    """With its line."""
    path = tmp_path / "requirements.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=said):
        read_artifact(path)
