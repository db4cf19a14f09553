"""What roles hand to one another: YAML files in `planning/`, read by the next role as its question."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from afina.errors import InputError
from afina.roles.role import Read, Role

WIDTH = 10_000
"""No line is broken: a model reads and a person diffs whole sentences."""


def as_yaml(value: Any) -> str:
    """A structure as YAML, keys in their order."""
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=WIDTH)


def read_artifact(path: Path) -> dict[str, Any]:
    """A role's file, perhaps edited by a person.

    Raises:
        InputError: missing, or no YAML with named fields; names the line.
    """
    try:
        found = yaml.safe_load(path.read_text("utf-8"))
    except FileNotFoundError as exc:
        raise InputError(f"{path}: no such file", remedy="run the role that writes it, or `afina roles chain`") from exc
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as exc:
        raise InputError(f"{path}: {' '.join(str(exc).split())}") from exc
    if not isinstance(found, dict):
        raise InputError(f"{path}: no YAML with named fields")
    return found


def questions_of(role: Role, artifacts: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What a role is asked, from the artifacts of the roles that it reads: once, or once for each entry of a list.

    Raises:
        InputError: an artifact lacks what is read of it.
    """
    many = next((read for read in role.form.reads if read.each), None)
    if many is None:
        return ["".join(labelled(read, part_of(read, artifacts)) for read in role.form.reads)]
    entries = part_of(many, artifacts)
    if not isinstance(entries, list) or not entries:
        raise InputError(f"{many.role} has no {many.each} for {role.name} to work on")
    return [
        "".join(labelled(read, entry if read is many else part_of(read, artifacts)) for read in role.form.reads)
        for entry in entries
    ]


def labelled(read: Read, value: Any) -> str:
    """A part of an artifact with the word before it."""
    return f"{read.label}:\n{as_yaml(value)}"


def part_of(read: Read, artifacts: Mapping[str, Mapping[str, Any]]) -> Any:
    """What a role reads of another's artifact.

    Raises:
        InputError: it is not there.
    """
    found: Any = artifacts[read.role]
    for name in filter(None, (read.each or read.at).split(".")):
        if not isinstance(found, Mapping) or name not in found:
            raise InputError(f"what {read.role} wrote has no {read.each or read.at}")
        found = found[name]
    if read.only:
        if missing := [name for name in read.only if name not in found]:
            raise InputError(f"what {read.role} wrote has no {missing[0]}")
        return {name: found[name] for name in read.only}
    return found


def joined(answers: list[dict[str, Any]]) -> dict[str, Any]:
    """The answers of a role that was asked for each entry of a list, as one: lists one behind the other."""
    if len(answers) == 1:
        return answers[0]
    found: dict[str, Any] = {}
    for answer in answers:
        for name, value in answer.items():
            found[name] = [*found.get(name, []), *value] if isinstance(value, list) else value
    return found
