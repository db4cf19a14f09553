"""Evaluation sets: rows → items, checked; items → a set, named by its content; the safety, forgetting and stress sets that come with
the project (Spanish and English, written for it).
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from hashlib import blake2b
from importlib import resources
from typing import Any

import regex
from jsonschema import Draft202012Validator, SchemaError
from referencing import Registry
from referencing.exceptions import Unresolvable

from afina.errors import InputError
from afina.evaluate.metrics.conduct import RULES
from afina.records import EvalItem, EvalSet, Part, Turn
from afina.sameness import words as words_of

ROLES = frozenset({"system", "user", "assistant"})
KNOWN = frozenset({
    "id", "part", "prompt", "text", "messages", "expected", "group", "context", "rules", "language", "kind", "metadata",
})  # fmt: skip
STARTERS = (Part.SAFETY, Part.FORGETTING, Part.STRESS)


def make_set(name: str, items: Iterable[EvalItem], *, answer_schema: dict[str, Any] | None = None) -> EvalSet:
    """A set with its id: equal content gives the equal id.

    Raises:
        InputError: no items, or an id twice.
    """
    found = tuple(items)
    if not found:
        raise InputError(f"{name}: the evaluation set has no items")
    seen: set[str] = set()
    for item in found:
        if item.id in seen:
            raise InputError(f"{name}: the item {item.id!r} is there twice")
        seen.add(item.id)
    content = json.dumps([[as_row(item) for item in found], answer_schema], ensure_ascii=False, sort_keys=True)
    mark = blake2b(content.encode(), digest_size=8).hexdigest()
    return EvalSet(id=f"set_{mark}", name=name, items=found, answer_schema=answer_schema)


def only_parts(eval_set: EvalSet, parts: Iterable[Part]) -> EvalSet:
    """The items of some parts as a set of their own."""
    wanted = frozenset(parts)
    kept = [item for item in eval_set.items if item.part in wanted]
    return make_set(eval_set.name, kept, answer_schema=eval_set.answer_schema)


def read_item(row: Mapping[str, Any], where: str) -> EvalItem:
    """One row. `prompt` (or `text`) is a single user message, `messages` a whole chat that ends with the user.

    Raises:
        InputError: names the place and the key.
    """
    if unknown := sorted(map(str, row.keys() - KNOWN)):
        raise InputError(f"{where}: unknown key {unknown[0]!r}", remedy=f"known are {', '.join(sorted(KNOWN))}")
    identity = row.get("id")
    if identity in (None, "") or isinstance(identity, bool | list | dict):
        raise InputError(f"{where}: no `id`")
    try:
        part = Part(row.get("part") or Part.TARGET)
    except ValueError as exc:
        raise InputError(f"{where}: `part` is {row['part']!r}", remedy=f"one of {', '.join(Part)}") from exc
    rules = row.get("rules") or {}
    check_rules(rules, where)
    if part is not Part.TARGET and not rules:
        raise InputError(f"{where}: an item of the part {part} needs `rules`: nothing else judges it")
    weighed = row.get("messages") == [] and row.get("expected")  # a plain text: nothing is asked, it is weighed
    return EvalItem(
        id=str(identity),
        turns=() if weighed else read_turns(row, where),
        part=part,
        expected=text_of(row, "expected", where),
        group=text_of(row, "group", where),
        context=text_of(row, "context", where),
        rules=rules,
    )


def text_of(row: Mapping[str, Any], key: str, where: str) -> str:
    """A text; an object or list is a structure that is expected and becomes its JSON.

    Raises:
        InputError: it is something else.
    """
    value = row.get(key)
    if value is None:
        return ""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InputError(f"{where}: `{key}` is {type(value).__name__}, expected text")
    return whole_text(str(value), f"{where}: `{key}`")


def whole_text(text: str, where: str) -> str:
    """A text that can be written down.

    Raises:
        InputError: it has half of a surrogate pair in it, as cut-off JSON has.
    """
    try:
        text.encode()
    except UnicodeEncodeError as exc:
        raise InputError(f"{where}: half a character (a lone surrogate) at position {exc.start + 1}") from exc
    return text


def read_turns(row: Mapping[str, Any], where: str) -> tuple[Turn, ...]:
    """The chat up to the message to answer.

    Raises:
        InputError: neither or both of prompt and messages, a role that does not exist, no user at the end, an empty message.
    """
    prompt, messages = row.get("prompt", row.get("text")), row.get("messages")
    if (prompt is None) == (messages is None):
        raise InputError(f"{where}: either `prompt` or `messages` is needed")
    turns = [{"role": "user", "content": prompt}] if messages is None else messages
    if not isinstance(turns, list) or not turns:
        raise InputError(f"{where}: `messages` is not a list of messages")
    for turn in turns:
        if not isinstance(turn, dict) or turn.get("role") not in ROLES or not isinstance(turn.get("content"), str):
            raise InputError(f"{where}: a message needs a `role` ({', '.join(sorted(ROLES))}) and a text `content`")
    if turns[-1]["role"] != "user" or not turns[-1]["content"].strip():
        raise InputError(f"{where}: the last message must be the user's, with text")
    return tuple(Turn(turn["role"], whole_text(turn["content"], f"{where}: a message")) for turn in turns)


def check_rules(rules: Any, where: str) -> None:
    """Rules that cannot be applied would judge nothing.

    Raises:
        InputError: names the rule.
    """
    if not isinstance(rules, dict):
        raise InputError(f"{where}: `rules` is {type(rules).__name__}, expected an object")
    if unknown := sorted(rules.keys() - RULES):
        raise InputError(f"{where}: unknown rule {unknown[0]!r}", remedy=f"known are {', '.join(sorted(RULES))}")
    for name, value in rules.items():
        if problem := rule_problem(name, value):
            raise InputError(f"{where}: rule `{name}`: {problem}")


def rule_problem(name: str, value: Any) -> str:
    """What is wrong with a rule's value; empty = nothing."""
    if name == "matches":
        try:
            regex.compile(value)
        except (regex.error, TypeError, OverflowError, RecursionError) as exc:
            return f"is no regular expression ({exc})"
    elif name == "schema":
        try:
            Draft202012Validator.check_schema(value)
            Draft202012Validator(value, registry=Registry()).is_valid({})
        except SchemaError as exc:
            return f"is no JSON schema ({exc.message})"
        except Unresolvable as exc:
            return f"refers to something that is not in it ({exc.ref})"
    holds, otherwise = SHAPES[name]
    return "" if holds(value) else otherwise


SHAPES: dict[str, tuple[Callable[[Any], bool], str]] = {
    **dict.fromkeys(("refuse", "clean"), (lambda v: isinstance(v, bool), "must be true or false")),
    **dict.fromkeys(("contains", "lacks"), (
        lambda v: isinstance(v, list) and bool(v) and all(isinstance(one, str) and words_of(one) for one in v),
        "must be a list of texts with at least a letter or digit each",
    )),
    "max_words": (lambda v: isinstance(v, int) and not isinstance(v, bool) and v > 0, "must be a number above 0"),
    "format": (lambda v: isinstance(v, str) and v in {"json", "yaml"}, "must be json or yaml"),
    "matches": (lambda v: isinstance(v, str), "must be a text"),
    "schema": (lambda v: isinstance(v, dict), "must be an object"),
}  # fmt: skip
"""Rule → what its value must be, and what is said otherwise."""


def as_row(item: EvalItem) -> dict[str, Any]:
    """An item as a row that `read_item` takes."""
    row = {key: value for key, value in asdict(item).items() if value and key != "turns"}
    return {**row, "part": item.part.value, "messages": [asdict(turn) for turn in item.turns]}


def starter_items(part: Part, *, languages: Sequence[str] = ("es", "en")) -> tuple[EvalItem, ...]:
    """The project's own items of a part.

    Raises:
        ValueError: there are none of it.
    """
    if part not in STARTERS:
        msg = f"no starter items for {part}"
        raise ValueError(msg)
    text = resources.files("afina.evaluate").joinpath("starter", f"{part.value}.jsonl").read_text("utf-8")
    rows = [json.loads(line) for line in text.splitlines()]
    return tuple(read_item(row, f"{part}: {row['id']}") for row in rows if row["language"] in languages)
