"""A JSON schema as a grammar for llguidance that writes YAML, laid out as `chat/blocks.py` lays it out: keys in their order, every free text
a block in the next line (there a text of one word stands beside its key: nobody knows before it is written that it is one).
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from afina.chat.blocks import as_blocks

FORM = "x-form"
"""The word of a schema that says in which form an answer is written: `yaml`, or JSON where it is not there."""
DEEPER = 2
"""Blanks of one step."""
PLAIN = {"integer": "-?(0|[1-9][0-9]*)", "number": r"-?(0|[1-9][0-9]*)([.][0-9]+)?", "boolean": "true|false"}
"""Patterns of what is no text."""

BEGUN = "/[^ #*>-]([^ ]| [^ ])*/"
"""A line of a block begins with no blank, which would make it deeper, and has no two in a row: a small base draws lists and tables there."""
Texts = dict[str, str]
"""Text → its name: llguidance takes the intersection of two patterns (`&`) in a named terminal alone."""


class NoLayoutError(Exception):
    """A schema has something for which there is no layout here."""


def yaml_grammar(*schemas: Mapping[str, Any]) -> str | None:
    """The grammar of YAML that fulfils one of some schemas; None where one has something that has no layout here, such as `anyOf` or lists of
    lists.
    """
    texts: Texts = {}
    try:
        rule = " | ".join(" ".join(mapping(schema, 0, texts)) for schema in schemas)
    except NoLayoutError:
        return None
    return "\n".join(["%llguidance {}", f"start: {rule}", *(f"{name}: {told}" for told, name in texts.items())])


def mapping(schema: Mapping[str, Any], indent: int, texts: Texts) -> Iterator[str]:
    """An object's fields, each in its line; the first one stands where the object begins.

    Raises:
        NoLayoutError: it is no object, or its first field may be missing.
    """
    fields: Mapping[str, Any] = schema.get("properties", {})
    required = set(schema.get("required", ()))
    if schema.get("type", "object") != "object" or not fields or next(iter(fields)) not in required:
        raise NoLayoutError
    for at, (name, one) in enumerate(fields.items()):
        line = " ".join((said(("\n" + " " * indent if at else "") + f"{plain_key(name)}:"), *value(one, indent, texts)))
        yield line if name in required else f"({line})?"


def plain_key(name: str) -> str:
    """A field's name.

    Raises:
        NoLayoutError: it would need quotes.
    """
    if as_blocks({name: 1}) != f"{name}: 1":
        raise NoLayoutError
    return name


def value(schema: Mapping[str, Any], indent: int, texts: Texts) -> Iterator[str]:
    """What stands behind a field's colon."""
    if schema.get("type") == "array":
        yield from entries(schema, indent, texts)
    elif schema.get("type") == "object":
        yield said("\n" + " " * (indent + DEEPER))
        yield from mapping(schema, indent + DEEPER, texts)
    else:
        yield said(" ")
        yield from scalar(schema, indent + DEEPER, texts)


def entries(schema: Mapping[str, Any], indent: int, texts: Texts) -> Iterator[str]:
    """A list: each entry in a line of its own, below its key, as deep as it.

    Raises:
        NoLayoutError: its entries are lists, or anything, or only its first ones are said one by one.
    """
    least, most, first = schema.get("minItems", 0), schema.get("maxItems"), schema.get("prefixItems", ())
    if first:
        if not len(first) == least == most:
            raise NoLayoutError
        yield from (entry(one, indent, texts) for one in first)
        return
    many = f"({entry(schema.get('items'), indent, texts)}){{{max(1, least)},{'' if most is None else most}}}"
    yield many if least else f"({said(' []')} | {many})"


def entry(schema: Any, indent: int, texts: Texts) -> str:
    """An entry of a list.

    Raises:
        NoLayoutError: it is a list, or anything.
    """
    if not isinstance(schema, Mapping) or schema.get("type") == "array":
        raise NoLayoutError
    deeper = indent + DEEPER
    inner = mapping(schema, deeper, texts) if schema.get("type") == "object" else scalar(schema, deeper, texts)
    return " ".join((said("\n" + " " * indent + "- "), *inner))


def scalar(schema: Mapping[str, Any], indent: int, texts: Texts) -> Iterator[str]:
    """One value; a free text begins in the next line.

    Raises:
        NoLayoutError: it may be anything, or is a text of a `format`.
    """
    if "const" in schema or "enum" in schema:
        yield from choices([schema["const"]] if "const" in schema else schema["enum"], indent)
    elif schema.get("type") in PLAIN and not {"minimum", "maximum"}.intersection(schema):
        yield pattern(PLAIN[schema["type"]])
    elif schema.get("type") == "string" and "pattern" in schema and "format" not in schema:
        yield from text(schema["pattern"], indent, texts)
    else:
        raise NoLayoutError


def choices(allowed: Sequence[Any], indent: int) -> Iterator[str]:
    """One of some values.

    Raises:
        NoLayoutError: one of them has several lines.
    """
    found = [as_blocks({"v": one}).removeprefix("v: ") for one in allowed]
    if any(isinstance(one, Mapping | list) or (isinstance(one, str) and "\n" in one) for one in allowed):
        raise NoLayoutError
    yield "(" + " | ".join(said(one.replace("\n  ", "\n" + " " * indent)) for one in found) + ")"


def text(told: str, indent: int, texts: Texts) -> Iterator[str]:
    """A text by its pattern: a word that YAML reads as one beside its key, code as it stands, prose as a block.

    Raises:
        NoLayoutError: the pattern is not a whole text's.
    """
    if not (told.startswith("^") and told.endswith("$")):
        raise NoLayoutError
    inner, deep = told[1:-1], " " * indent
    if is_word(inner):
        yield pattern(inner)
    elif r"(.|\n)" in inner:
        yield said("|\n" + deep)
        yield pattern(inner.replace(r"(.|\n)", rf"(.|\n+ {{{indent}}})"))
    else:
        yield said(">-\n" + deep)
        yield texts.setdefault(f"{pattern(inner)} & {BEGUN}", f"TEXT{len(texts)}")


def is_word(told: str) -> bool:
    """Whether a pattern is one of ids (`FR[0-9]{3}`) or of names of files: YAML takes those for texts, but `[0-9]+` for a number, and
    `(yes|no)` for a truth.
    """
    ids, paths = re.match(r"[A-Z]+\[0-9\]", told), re.match(r"\[a-z\].*\[[.]\][a-z]+$", told)
    return bool(ids or paths) and " " not in told and r"\s" not in told


def said(literal: str) -> str:
    """A literal of the grammar."""
    return json.dumps(literal, ensure_ascii=False)


def pattern(told: str) -> str:
    """A regular expression of the grammar."""
    return "/" + re.sub(r"(?<!\\)/", r"\/", told) + "/"
