"""Kinds by name, and a user's own."""

from pathlib import Path

import pytest

from afina.errors import SettingsError
from afina.settings import make_settings
from afina.tasks import KINDS, find_kind, make_task

OWN = """
from afina.tasks.chat import Chat


class Echo(Chat):
    name = "echo"


ECHO = Echo()
"""


def test_there_are_four_kinds() -> None:
    """Those of the documents."""
    assert list(KINDS) == ["classify", "chat", "structured", "documents"]


def test_a_kind_of_ones_own_is_a_file(tmp_path: Path) -> None:
    """Nothing of the program has to be changed for it."""
    (tmp_path / "echo.py").write_text(OWN, "utf-8")

    assert find_kind(f"{tmp_path / 'echo.py'}:ECHO").name == "echo"


@pytest.mark.parametrize("name", ["sing", "nowhere.py:X", "json:nothing"])
def test_what_is_not_there_is_refused(name: str) -> None:
    """With the ones there are."""
    with pytest.raises(SettingsError, match="kind"):
        find_kind(name)


@pytest.mark.parametrize(
    ("code", "name", "said", "remedy"),
    [
        (OWN, "ECO", "has no kind 'ECO'", "kinds in it are ECHO"),
        ("ECHO = 'text'", "ECHO", "is no kind of task", "a-kind-of-your-own.md"),
        ("\nECHO = (", "ECHO", "own.py, line 2: SyntaxError: '(' was never closed", ""),
        ("import json\n\nECHO = jsn.loads", "ECHO", "own.py, line 3: NameError: name 'jsn' is not defined", ""),
        (
            "from afina.tasks import Kind\nclass A(Kind):\n  name = 'a'\nECHO = A()",
            "ECHO",
            "lacks rules, metrics, said(), examples()",
            "a-kind",
        ),
    ],
)
def test_a_mistake_in_ones_own_file_is_said_with_its_place(
    tmp_path: Path, code: str, name: str, said: str, remedy: str
) -> None:
    """Never an internal error of ours."""
    (tmp_path / "own.py").write_text(code, "utf-8")
    with pytest.raises(SettingsError) as caught:
        find_kind(f"own.py:{name}", folder=tmp_path)
    assert said in str(caught.value)
    assert remedy in caught.value.remedy


def test_a_class_is_as_good_as_its_object(tmp_path: Path) -> None:
    """Who names the class means an object of it."""
    (tmp_path / "own.py").write_text(OWN, "utf-8")
    assert find_kind("own.py:Echo", folder=tmp_path).name == "echo"


def test_a_task_is_named_after_its_kind_unless_it_has_a_name(tmp_path: Path) -> None:
    """And its schema is read and checked."""
    (tmp_path / "s.json").write_text('{"type": "object"}', "utf-8")
    (tmp_path / "bad.json").write_text("[]", "utf-8")
    own = {"task": {"kind": "structured", "answer_schema": "s.json"}}

    assert make_task(make_settings({"task": {"kind": "chat"}}), folder=tmp_path).name == "chat"
    assert make_task(make_settings({"task": {"kind": "chat", "name": "sales"}}), folder=tmp_path).name == "sales"
    assert make_task(make_settings(own), folder=tmp_path).schema == {"type": "object"}
    for file in ("bad.json", "none.json"):
        with pytest.raises(SettingsError, match="answer_schema"):
            make_task(make_settings({"task": {"kind": "structured", "answer_schema": file}}), folder=tmp_path)
