"""Requirements for other people's tools."""

import re
from pathlib import Path

from afina.roles import find_role
from afina.roles.exports import bmad_prd, speckit

SEEDS = find_role("ba", project=Path()).seeds()
WITH_QUESTIONS = next(seed for seed in SEEDS if seed.answer.get("open_questions"))


def test_spec_kit_finds_what_it_looks_for() -> None:
    """The mandatory headings, FR-001 and SC-001 in order, a mark for each open question."""
    answer = WITH_QUESTIONS.answer
    text = speckit(answer, WITH_QUESTIONS.question, date="2026-11-29")
    for heading in (
        "## User Scenarios & Testing *(mandatory)*",
        "## Requirements *(mandatory)*",
        "## Success Criteria *(mandatory)*",
    ):
        assert heading in text
    numbers = [int(one) for one in re.findall(r"^- \*\*FR-(\d{3})\*\*: ", text, re.MULTILINE)]
    assert numbers == list(range(1, len(answer["functional_requirements"]) + len(answer["open_questions"]) + 1))
    assert text.count("[NEEDS CLARIFICATION: ") == len(answer["open_questions"])
    assert len(re.findall(r"^- \*\*SC-\d{3}\*\*: ", text, re.MULTILINE)) == len(answer["non_functional_requirements"])
    assert re.search(r"^\*\*Feature Branch\*\*: `001-[a-z0-9-]+`$", text, re.MULTILINE)


def test_open_questions_count_on_from_the_highest_requirement() -> None:
    """A person may have taken one out."""
    first, *rest = WITH_QUESTIONS.answer["functional_requirements"]
    del first
    text = speckit({**WITH_QUESTIONS.answer, "functional_requirements": rest}, "x", date="2026-11-29")
    numbers = re.findall(r"^- \*\*FR-(\d{3})\*\*: ", text, re.MULTILINE)
    assert len(set(numbers)) == len(numbers)


def test_the_backlog_becomes_user_stories() -> None:
    """With its acceptance and its priority."""
    item = {
        "id": "PB001",
        "title": "Book a visit",
        "covers": ["FR001"],
        "value": "High",
        "acceptance": ["A visit is booked"],
    }
    text = speckit(WITH_QUESTIONS.answer, "c", [item], date="2026-11-29")
    assert "### User Story 1 - Book a visit (Priority: P1)\n\nBook a visit Covers FR-001." in text
    assert "1. A visit is booked" in text


def test_bmad_has_its_sections() -> None:
    """Numbered requirements in its form, epics and stories where the architect wrote them."""
    architecture = {
        "architecture": {"decisions": ["One process is enough."]},
        "epics": [{"id": "E001", "title": "Visits", "covers": ["PB001"]}],
        "stories": [{"id": "S001", "epic": "E001", "title": "As a nurse", "acceptance": ["It is so"]}],
    }
    text = bmad_prd(SEEDS[0].answer, {"vision": {"goals": ["Fewer calls"]}}, architecture, date="2026-11-29")
    assert "### Goals\n\n- Fewer calls" in text
    assert "1. FR1: " in text
    assert "1. NFR1: " in text
    assert "### Story 1.1 As a nurse\n\n#### Acceptance Criteria\n\n1: It is so" in text
    assert "- One process is enough." in text


def test_a_text_cannot_become_a_heading() -> None:
    """Whatever a model wrote stands on its line."""
    answer = {**SEEDS[0].answer, "description": "first\n## Owned\n- [ ] x"}
    assert "\n## Owned" not in bmad_prd(answer, date="d")
    assert "\n## Owned" not in speckit({**answer, "title": "a\n## Owned"}, "b\n## Owned", date="d")
