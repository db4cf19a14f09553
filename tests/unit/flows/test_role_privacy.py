"""Personal data in rated runs."""

import json
from pathlib import Path

import pytest
import yaml

from afina.flows.role_privacy import scrubbed_question, scrubbed_run
from afina.flows.role_ratings import RunRow
from afina.privacy import make_policy
from afina.roles import find_role
from afina.settings import PrivacySettings

POLICY = make_policy(PrivacySettings())
DEVELOPER, ANALYST = (find_role(name, project=Path()) for name in ("dev", "ba"))
COMPONENTS = "- name: Web app\n  purpose: Pages for patients\n- name: Database\n  purpose: Stores what is booked\n"


def run(question: str, answer: str) -> RunRow:
    """A run that people found good."""
    return RunRow(run="run_1", question=question, answer=answer)


def test_a_component_is_nobody() -> None:
    """Nothing is found where a role's key stands before a value; read as a text, "name: Database" introduces somebody."""
    one = run(
        f"story:\nid: S001\ntitle: As a patient I book\ncomponents:\n{COMPONENTS}", f"architecture:\n{COMPONENTS}"
    )
    assert scrubbed_run(one, DEVELOPER, POLICY) == one


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_people_are_masked_in_structures(form: str) -> None:
    """In the answer, in either form, and below a label of the question."""
    said = "Escribe a ana.soto@correo.cl"
    answer = f'{{"note": "{said}"}}' if form == "json" else f"note: {said}\n"
    done = scrubbed_run(run(f"story:\ntitle: {said}\n", answer), DEVELOPER, POLICY)
    assert done.answer == "note: Escribe a [EMAIL]\n"
    assert done.question == "story:\ntitle: Escribe a [EMAIL]\n"


def test_a_concept_is_a_text() -> None:
    """An analyst is asked by a person, in whose words a label is a cue."""
    assert scrubbed_question("Citas para mi consulta. Nombre: Kowalczyk", ANALYST, POLICY).endswith("[PERSON]")


def test_what_is_no_structure_is_a_text() -> None:
    """Half an answer, or a question that somebody edited into something else."""
    one = run("story:\nname: Kowalczyk: [", "name: Kowalczyk: [")
    done = scrubbed_run(one, DEVELOPER, POLICY)
    assert (done.question, done.answer) == ("story:\nname: [PERSON]: [", "name: [PERSON]: [")


def test_code_stays_as_it_is() -> None:
    """Masked it would not run; what is said beside it is scrubbed."""
    code = "def greet(name: Optional[str]) -> str:\n    return name or 'Kowalczyk'\n"
    said = {"files": [{"path": "app.py", "purpose": "Escribe a ana.soto@correo.cl", "content": code}]}
    done = scrubbed_run(run("story:\ntitle: Greet\n", json.dumps(said)), DEVELOPER, POLICY)
    assert yaml.safe_load(done.answer)["files"] == [{"path": "app.py", "purpose": "Escribe a [EMAIL]", "content": code}]
