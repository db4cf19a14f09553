"""Evaluation sets: rows → items, checked; items → a set, named by its content; the safety, forgetting and stress sets that come with
the project (Spanish and English, written for it).
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from hashlib import blake2b
from importlib import resources
from typing import Annotated, Any

import regex
from jsonschema import Draft202012Validator, SchemaError
from pydantic import BeforeValidator, ConfigDict
from referencing import Registry
from referencing.exceptions import Unresolvable

from afina.errors import InputError
from afina.evaluate.metrics.conduct import RULES
from afina.files.forms import Form, Identity, Message, Spelt, Text, checked
from afina.records import EvalItem, EvalSet, Part, Turn
from afina.sameness import words as words_of

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


class SetRow(Form):
    """One item. `prompt` (or `text`) is a single user message, `messages` a whole chat that ends with the user.

    `messages` may be empty where `expected` is a plain text: nothing is asked, the text is weighed.
    """

    model_config = ConfigDict(extra="forbid")

    id: Identity
    part: Annotated[Part, BeforeValidator(lambda found: found or Part.TARGET)] = Part.TARGET
    prompt: Text | None = None
    text: Text | None = None
    messages: list[Message] | None = None
    expected: Spelt = ""
    group: Spelt = ""
    context: Spelt = ""
    rules: Annotated[dict[str, Any] | None, BeforeValidator(lambda found: found or None)] = None
    answer_schema: Annotated[dict[str, Any] | None, BeforeValidator(lambda found: found or None)] = None
    language: str | None = None
    kind: str | None = None
    metadata: Any = None

    def turns(self, where: str) -> tuple[Turn, ...]:
        """The chat up to the message to answer.

        Raises:
            InputError: neither or both of prompt and messages, no user at the end, or an empty message.
        """
        asked = self.text if self.prompt is None else self.prompt
        if (asked is None) == (self.messages is None):
            raise InputError(f"{where}: either `prompt` or `messages` is needed")
        if self.messages == [] and self.expected:
            return ()
        turns = [Turn("user", asked or "")] if self.messages is None else turns_of(self.messages)
        if not turns or turns[-1].role != "user" or not turns[-1].content.strip():
            raise InputError(f"{where}: the last message must be the user's, with text")
        return tuple(turns)


def turns_of(messages: Iterable[Message]) -> list[Turn]:
    """The turns of a chat."""
    return [Turn(message.role, message.content) for message in messages]


def read_item(values: Mapping[str, Any], where: str) -> EvalItem:
    """One row as an item.

    Raises:
        InputError: names the place and the key.
    """
    if unknown := sorted(map(str, values.keys() - SetRow.model_fields.keys())):
        raise InputError(
            f"{where}: unknown key {unknown[0]!r}", remedy=f"known are {', '.join(sorted(SetRow.model_fields))}"
        )
    row = checked(SetRow, values, where)
    part, rules = row.part, row.rules or {}
    check_rules(rules, where)
    if row.answer_schema is not None and (problem := schema_problem(row.answer_schema)):
        raise InputError(f"{where}: `answer_schema` {problem}")
    if part is not Part.TARGET and not rules:
        raise InputError(f"{where}: an item of the part {part} needs `rules`: nothing else judges it")
    return EvalItem(
        id=row.id,
        turns=row.turns(where),
        part=part,
        expected=row.expected,
        group=row.group,
        context=row.context,
        rules=rules,
        answer_schema=row.answer_schema,
    )


def check_rules(rules: Mapping[str, Any], where: str) -> None:
    """Rules that cannot be applied would judge nothing.

    Raises:
        InputError: names the rule.
    """
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
    elif name == "schema" and (problem := schema_problem(value)):
        return problem
    holds, otherwise = SHAPES[name]
    return "" if holds(value) else otherwise


def schema_problem(value: Any) -> str:
    """Why a value is no JSON schema; empty = it is one."""
    try:
        Draft202012Validator.check_schema(value)
        Draft202012Validator(value, registry=Registry()).is_valid({})
    except SchemaError as exc:
        return f"is no JSON schema ({exc.message})"
    except Unresolvable as exc:
        return f"refers to something that is not in it ({exc.ref})"
    return ""


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
