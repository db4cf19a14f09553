"""What is wrong with a role's answer."""

import json
from typing import Any

import pytest

from afina.roles import check_answer
from afina.roles.checks import met_of, schema_share

SCHEMA: dict[str, Any] = {
    "type": "object",
    "x-covers": "FR",
    "properties": {
        "title": {"type": "string", "minLength": 5},
        "cases": {
            "type": "array",
            "minItems": 2,
            "items": {
                "type": "object",
                "properties": {
                    "id": {"type": "string", "pattern": "^T[0-9]{3}$"},
                    "checks": {"type": "string"},
                    "title": {"type": "string", "minLength": 5},
                },
                "required": ["id", "checks", "title"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["title", "cases"],
    "additionalProperties": False,
}
ASKED = "requirements:\nFR001 nurses book visits\nFR002 doctors cancel visits"
GOOD: dict[str, Any] = {
    "title": "Visits of nurses and doctors",
    "cases": [
        {"id": "T001", "checks": "FR001", "title": "A nurse books a free visit"},
        {"id": "T002", "checks": "FR002", "title": "A doctor cancels what was booked"},
    ],
}


def changed(**more: Any) -> str:
    """The good answer, with other fields."""
    return json.dumps({**GOOD, **more})


def test_a_good_answer_has_nothing_wrong() -> None:
    """Every check has its full score."""
    found = check_answer(json.dumps(GOOD), ASKED, SCHEMA)
    assert found.problems == ()
    assert found.score == 1


@pytest.mark.parametrize(
    ("reply", "check", "problem"),
    [
        ("I would love to help.", "read", "neither JSON nor YAML"),
        ("[1, 2]", "read", "neither JSON nor YAML"),
        (changed(title="no"), "schema", "title: 'no' is too short"),
        (changed(cases=GOOD["cases"][:1]), "schema", "cases: "),
        (changed(extra=1), "schema", "Additional properties"),
        (
            changed(cases=[{**GOOD["cases"][0]}, {**GOOD["cases"][1], "id": "T001"}]),
            "ids",
            "the id T001 is given 2 times",
        ),
        (changed(cases=[GOOD["cases"][0], {**GOOD["cases"][1], "checks": "FR009"}]), "references", "FR009 is named"),
        (changed(cases=[GOOD["cases"][0], {**GOOD["cases"][1], "checks": "FR001"}]), "covers", "nothing covers FR002"),
        (changed(cases=[GOOD["cases"][0], {**GOOD["cases"][0], "id": "T002"}]), "new", "this is said 2 times"),
        (changed(title="{{title}} of the nurses' visits"), "plain", "a placeholder or markup"),
        (changed(title="Visits of nurses <ref>doctors</ref>"), "plain", "a placeholder or markup"),
    ],
)
def test_what_is_wrong_is_said(reply: str, check: str, problem: str) -> None:
    """In the check that it belongs to, with a sentence that a model or a person can act on."""
    found = check_answer(reply, ASKED, SCHEMA)
    assert found.scores[check] < 1
    assert any(problem in one for one in found.problems), found.problems


def test_an_answer_to_something_else_is_found() -> None:
    """It takes up none of the words that were asked."""
    found = check_answer(json.dumps(GOOD), "Concept: A marketplace for handmade pottery with auctions", SCHEMA)
    assert found.scores["about"] == 0
    assert any("hardly speaks" in one for one in found.problems)


def test_templates_are_worth_nothing_and_small_signs_are_prose() -> None:
    """Where every text is one; "less than" and a formula are none; in code braces are code."""
    marked = changed(
        title="{{name}} and {{place}}", cases=[{**one, "title": "{{text}} of it all"} for one in GOOD["cases"]]
    )
    assert check_answer(marked, ASKED, SCHEMA).score == 0
    signs = changed(title="Visits of nurses and doctors in < 2 s, if a < b > 1 & more {1}")
    assert check_answer(signs, ASKED, SCHEMA).scores["plain"] == 1
    assert "plain" not in check_answer(marked, ASKED, {**SCHEMA, "x-code": True}).scores


def test_yaml_is_read_as_well() -> None:
    """A model that was not bound may write it."""
    assert check_answer("title: Visits of nurses\ncases: []\n", ASKED, SCHEMA).scores["read"] == 1


def test_half_of_a_schema_is_worth_half() -> None:
    """Title and list are right, of two entries with three fields each one is there."""
    found = {"title": "Visits", "cases": [{"id": "T001", "checks": "FR001", "title": "A visit"}]}
    assert met_of(found, SCHEMA) == (4, 8)
    assert schema_share("text", SCHEMA) == 0


def test_code_must_be_code() -> None:
    """Files are parsed, not run."""
    schema = {"type": "object", "x-code": True, "properties": {"files": {"type": "array"}}}
    good = {"files": [{"path": "a.py", "content": "x = 1"}, {"path": "b.py", "content": "def f(:"}]}
    found = check_answer(json.dumps(good), "story", schema)
    assert found.scores["code"] == 0.5
    assert any(one.startswith("b.py: ") for one in found.problems)
    assert check_answer('{"files": []}', "story", schema).scores["code"] == 0
    silent = {"files": [{"path": "a.py", "content": "# Moves a visit."}, {"path": "b.py", "content": '"""Visits."""'}]}
    assert "a.py: there is no statement in it" in check_answer(json.dumps(silent), "story", schema).problems


def test_a_deep_or_endless_answer_is_no_danger() -> None:
    """Nested a thousand times, or of a hundred thousand characters of one letter."""
    assert check_answer("[" * 100_000, ASKED, SCHEMA).score == 0
    assert check_answer('{"title": "' + "a" * 90_000 + '"}', ASKED, SCHEMA).scores["read"] == 1


@pytest.mark.parametrize(
    ("asked", "said", "other"),
    [
        ("面包店的库存应用程序", "该系统必须显示面包店每种产品的库存", "患者可以在网上预约牙医"),
        ("แอปสำหรับจองคิวร้านตัดผม", "ระบบต้องให้ลูกค้าจองคิวร้านตัดผมได้", "ครูส่งการบ้านให้เด็ก"),
    ],
)
def test_what_is_spoken_of_is_seen_in_scripts_without_blanks(asked: str, said: str, other: str) -> None:
    """A sentence is no word there."""
    scores = [check_answer(json.dumps({"title": text}), asked, SCHEMA).scores["about"] for text in (said, other)]
    assert scores[0] > 0.5
    assert scores[1] < 0.3
