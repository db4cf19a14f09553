"""Personal data out of a role's rated runs before they are learnt."""

import re
from typing import Any

from afina.chat.parse import read_json, read_yaml
from afina.flows.role_ratings import RunRow
from afina.privacy import Policy, scrub_text, scrub_value
from afina.roles import Role
from afina.roles.artifacts import as_yaml

CODE = "content"
"""What a developer's files have under this name stays: `def greet(name: Name)` introduces nobody, and masked it would not run."""


def scrubbed_run(run: RunRow, role: Role, policy: Policy) -> RunRow:
    """A run without personal data. Structures are scrubbed value by value: in a text "name: Web app" introduces somebody, and a mask in
    the place of every component would be learnt.
    """
    found = read_json(run.answer)
    found = read_yaml(run.answer) if found is None else found
    answer = cleaned(found, run.answer, policy, code=bool(role.schema.get("x-code")))
    return run.model_copy(update={"question": scrubbed_question(run.question, role, policy), "answer": answer})


def scrubbed_question(question: str, role: Role, policy: Policy) -> str:
    """What a person wrote is a text; what other roles wrote is a structure under each label."""
    if not role.form.reads:
        return scrub_text(question, policy)
    labels = "|".join(re.escape(read.label) for read in role.form.reads)
    before, *parts = re.split(rf"(?m)^((?:{labels}):\n)", question)
    told = [scrub_text(before, policy)]
    for label, text in zip(parts[::2], parts[1::2], strict=True):
        told += [label, cleaned(read_yaml(text), text, policy)]
    return "".join(told)


def cleaned(found: Any, text: str, policy: Policy, *, code: bool = False) -> str:
    """A text, or the structure that was found in it, scrubbed; the very text where it holds nothing."""
    if not isinstance(found, dict | list):
        return scrub_text(text, policy)
    clean = scrubbed_values(found, policy) if code else scrub_value(found, policy)
    return text if clean == found else as_yaml(clean)


def scrubbed_values(value: Any, policy: Policy) -> Any:
    """A structure scrubbed, but for its code."""
    if isinstance(value, dict):
        return {name: one if name == CODE else scrubbed_values(one, policy) for name, one in value.items()}
    return [scrubbed_values(one, policy) for one in value] if isinstance(value, list) else scrub_value(value, policy)
