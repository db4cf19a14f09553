"""Requirements for other people's tools: spec-kit's `spec.md` (FR-001, SC-001, NEEDS CLARIFICATION), BMAD's product requirements."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from afina.sameness import without_accents

Artifact = Mapping[str, Any]
PRIORITY = {"High": "P1", "Medium": "P2", "Low": "P3"}


def dashed(identity: str) -> str:
    """FR001 → FR-001, as spec-kit counts."""
    return re.sub(r"([A-Z]+)([0-9]+)", r"\1-\2", identity)


def bare(identity: str) -> str:
    """FR001 → FR1, as BMAD counts."""
    return re.sub(r"([A-Z]+)0*([0-9]+)", r"\1\2", identity)


def speckit(requirements: Artifact, concept: str, backlog: Sequence[Artifact] = (), *, date: str) -> str:
    """spec-kit's feature specification. Success criteria are the non-functional requirements, which can be measured; open questions are
    marked where spec-kit's `/clarify` looks for them.

    Args:
        backlog: the product owner's items, where there are any: they become its user stories.
    """
    title = one_line(requirements["title"])
    slug = "-".join(re.findall(r"[a-z0-9]+", without_accents(title).replace("ñ", "n"))[:5]) or "feature"
    lines = [
        f"# Feature Specification: {title}",
        "",
        f"**Feature Branch**: `001-{slug}`",
        f"**Created**: {date}",
        "**Status**: Draft",
        f'**Input**: User description: "{one_line(concept)}"',
        "",
        "## User Scenarios & Testing *(mandatory)*",
        "",
    ]
    stories = [story_of(item) for item in backlog] or [
        story_of(item) for item in requirements["functional_requirements"]
    ]
    for at, (name, priority, told, acceptance) in enumerate(stories, start=1):
        lines += [f"### User Story {at} - {name} (Priority: {priority})", "", told, "", "**Acceptance Scenarios**:", ""]
        lines += [f"{number}. {one}" for number, one in enumerate(acceptance, start=1)] + [""]
    lines += ["## Requirements *(mandatory)*", "", "### Functional Requirements", ""]
    lines += [f"- **{dashed(r['id'])}**: {one_line(r['description'])}" for r in requirements["functional_requirements"]]
    asked = requirements.get("open_questions", [])
    start = max((int(re.sub(r"\D", "", r["id"]) or 0) for r in requirements["functional_requirements"]), default=0)
    lines += [
        f"- **FR-{start + at:03d}**: [NEEDS CLARIFICATION: {one_line(one)}]" for at, one in enumerate(asked, start=1)
    ]
    lines += ["", "## Success Criteria *(mandatory)*", "", "### Measurable Outcomes", ""]
    lines += [
        f"- **SC-{at:03d}**: {one_line(r['description'])}"
        for at, r in enumerate(requirements["non_functional_requirements"], start=1)
    ]
    lines += ["", "## Assumptions", ""]
    lines += [f"- {one_line(c['description'])}" for c in requirements["constraints"]]
    return "\n".join(lines) + "\n"


def story_of(item: Artifact) -> tuple[str, str, str, list[str]]:
    """(title, priority, what it is, acceptance) of a backlog item or a requirement."""
    told = one_line(str(item.get("title") or item.get("description", "")))
    name = told if len(told) <= 80 else told[:77].rsplit(" ", 1)[0] + " …"
    covers = [dashed(one) for one in item.get("covers", [item["id"]])]
    acceptance = [one_line(one) for one in item.get("acceptance", [])] or [f"{told} ({covers[0]})"]
    priority = PRIORITY.get(str(item.get("value") or item.get("priority")), "P2")
    return name, priority, f"{told} Covers {', '.join(covers)}.", acceptance


def one_line(text: object) -> str:
    """A text on one line, so that it cannot become a heading or a list of its own."""
    return " ".join(str(text).split())


def bmad_prd(
    requirements: Artifact, product: Artifact | None = None, architecture: Artifact | None = None, *, date: str
) -> str:
    """BMAD's product requirements document, as far as the roles know; the rest of its sections is left out."""
    vision = (product or {}).get("vision", {})
    lines = [
        f"# {one_line(requirements['title'])} Product Requirements Document (PRD)",
        "",
        "## Goals and Background Context",
        "",
        "### Goals",
        "",
        *(f"- {one_line(goal)}" for goal in vision.get("goals", [requirements["title"]])),
        "",
        "### Background Context",
        "",
        one_line(requirements["description"]),
        "",
        "### Change Log",
        "",
        "| Date | Version | Description | Author |",
        "|---|---|---|---|",
        f"| {date} | 1 | First draft | afina |",
        "",
        "## Requirements",
        "",
        "### Functional",
        "",
        *(
            f"{at}. {bare(r['id'])}: {one_line(r['description'])}"
            for at, r in enumerate(requirements["functional_requirements"], start=1)
        ),
        "",
        "### Non Functional",
        "",
        *(
            f"{at}. {bare(r['id'])}: {one_line(r['description'])}"
            for at, r in enumerate(requirements["non_functional_requirements"], start=1)
        ),
        "",
        "## Technical Assumptions",
        "",
        *(f"- {one_line(c['description'])}" for c in requirements["constraints"]),
        *(f"- {one_line(d)}" for d in (architecture or {}).get("architecture", {}).get("decisions", [])),
        "",
    ]
    if architecture:
        lines += ["## Epic List", ""]
        lines += [f"- Epic {at}: {one_line(epic['title'])}" for at, epic in enumerate(architecture["epics"], start=1)]
        for at, epic in enumerate(architecture["epics"], start=1):
            lines += ["", f"## Epic {at} {one_line(epic['title'])}", ""]
            own = [story for story in architecture["stories"] if story["epic"] == epic["id"]]
            for number, story in enumerate(own, start=1):
                lines += [f"### Story {at}.{number} {one_line(story['title'])}", "", "#### Acceptance Criteria", ""]
                lines += [f"{n}: {one_line(one)}" for n, one in enumerate(story["acceptance"], start=1)] + [""]
    if asked := requirements.get("open_questions"):
        lines += ["", "## Open Questions", "", *(f"- {one_line(one)}" for one in asked)]
    return "\n".join(lines).rstrip() + "\n"
