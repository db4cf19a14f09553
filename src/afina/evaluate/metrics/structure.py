"""Is the reply the structure that was asked for? Parsing is the libraries', the rules of the BA document are here."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry

from afina.chat.parse import read_json, read_yaml
from afina.records import EvalItem
from afina.roles import check_answer


def json_valid(_item: EvalItem, reply: str) -> float:
    """1 when the reply is a JSON object or list."""
    return float(isinstance(read_json(reply), dict | list))


def yaml_valid(_item: EvalItem, reply: str) -> float:
    """1 when the reply is a YAML mapping or list."""
    return float(read_yaml(reply) is not None)


def schema_valid(item: EvalItem, reply: str) -> float:
    """1 when the reply, read as JSON or else YAML, fulfils the item's rule `schema` (JSON Schema 2020-12, by jsonschema)."""
    found = read_json(reply)
    found = read_yaml(reply) if found is None else found
    validator = Draft202012Validator(item.rules["schema"], registry=Registry())  # which fetches nothing
    return float(found is not None and validator.is_valid(found))


def completeness(item: EvalItem, reply: str) -> float:
    """Share of the schema's required fields that are there and not empty."""
    found = read_json(reply)
    found = read_yaml(reply) if found is None else found
    required = item.rules["schema"].get("required") or list(item.rules["schema"].get("properties", ()))
    if not required:
        return schema_valid(item, reply)
    return sum(filled(found, name) for name in required) / len(required)


def filled(found: Any, name: str) -> bool:
    """Whether a mapping has a value there that is not empty."""
    return isinstance(found, dict) and found.get(name) not in (None, "", [], {})


def role_score(item: EvalItem, reply: str) -> float:
    """How good a role's answer is by its item's rule `schema`, 0 to 1: see `roles/checks.py`. No reference answer is needed."""
    return check_answer(reply, item.question, item.rules["schema"]).score


def usable(item: EvalItem, reply: str) -> float:
    """1 when the next role can work with a role's answer: it fulfils the item's rule `schema`, gives each id once, names only ids that are
    there, and its code is code.
    """
    return float(check_answer(reply, item.question, item.rules["schema"]).usable)


KINDS = {"functional_requirements": "FR", "non_functional_requirements": "NFR", "constraints": "C"}
PRIORITIES = frozenset(
    {"high", "medium", "low", "alta", "media", "baja", "must", "should", "could", "critical", "critica", "crítica"}
)
LEAST = {"functional_requirements": 2, "non_functional_requirements": 1}


def ba_requirements_metric(_item: EvalItem, reply: str) -> float:
    """Quality of a requirements document in YAML, 0 to 1: the mean of eight checks, 0 when it is no YAML mapping.

    Valid YAML; the five required fields filled; ids of the forms FR001, NFR001, C001 without repeats; at least two functional
    and one non-functional requirement; a title of 10–100 characters; a description of at least 100; every requirement described;
    every functional and non-functional one with a known priority. (The owner's document 001, phases 8.1–8.3.)
    """
    found = read_yaml(reply)
    if not isinstance(found, dict):
        return 0.0
    checks: Sequence[Callable[[dict[str, Any]], float]] = (
        fields_filled,
        ids_formed,
        counts_reached,
        title_fits,
        description_fits,
        all_described,
        all_ranked,
    )
    return (1.0 + sum(check(found) for check in checks)) / (1 + len(checks))


def entries(found: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """The requirements of one kind; a string stands for its description."""
    listed = found.get(kind)
    return [e if isinstance(e, dict) else {"description": str(e)} for e in listed] if isinstance(listed, list) else []


def share(flags: Sequence[bool]) -> float:
    """Share that holds; 0 of nothing."""
    return sum(flags) / len(flags) if flags else 0.0


def fields_filled(found: dict[str, Any]) -> float:
    """Title, description and the three kinds of requirement."""
    return share([filled(found, name) for name in ("title", "description", *KINDS)])


def ids_formed(found: dict[str, Any]) -> float:
    """Share of the ids that have their kind's form and occur once."""
    pairs = [(kind, str(e.get("id", ""))) for kind in KINDS for e in entries(found, kind)]
    ids = [identity for _, identity in pairs]
    return share([bool(re.fullmatch(KINDS[kind] + r"\d{3}", i)) and ids.count(i) == 1 for kind, i in pairs])


def counts_reached(found: dict[str, Any]) -> float:
    """Share of the least numbers that are reached."""
    return share([len(entries(found, kind)) >= least for kind, least in LEAST.items()])


def title_fits(found: dict[str, Any]) -> float:
    """10 to 100 characters."""
    return float(10 <= len(str(found.get("title") or "").strip()) <= 100)


def description_fits(found: dict[str, Any]) -> float:
    """At least 100 characters."""
    return float(len(str(found.get("description") or "").strip()) >= 100)


def all_described(found: dict[str, Any]) -> float:
    """Share of the requirements with a description."""
    return share([filled(e, "description") for kind in KINDS for e in entries(found, kind)])


def all_ranked(found: dict[str, Any]) -> float:
    """Share of the functional and non-functional requirements with a known priority."""
    return share(
        [str(e.get("priority", "")).strip().lower() in PRIORITIES for kind in LEAST for e in entries(found, kind)]
    )
