"""What binds a role's answer while it is written: its schema, with texts as people have written them, and with the ids that may be named."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from afina.chat import COMPACT

MARKS = r"{}\[\]<>|\\`\n\r\t"
"""What a text of prose has none of."""
WORD_END, SENTENCE_END = rf"[^{MARKS} ,;:(¿¡#-]", "[.!?]"
"""How it ends."""
ANY, ONE = rf"[^{MARKS}]", rf"([^{MARKS}.!?]|[0-9][.][0-9])"
"""What it is made of: any number of sentences, or one, in which a full stop is part of a number. If it could be part of a name too, small
models would go on behind it ("orders per minute.You have no control")."""
SENTENCE = re.compile(rf"{ONE}+([.!?]+\s+|[.]?({WORD_END}|{SENTENCE_END})$)")
SPARE = 20
"""In a sentence a number is counted as one character: a twentieth of its length is left for that."""
MOST = 3
"""Sentences that are counted; a text of more is free in their number."""
FULL = 0.93
"""Share of its longest length from which a sentence did not end, but was ended."""
CODE = "files.content"
"""Where a schema with `x-code` has Python, …"""
CODE_START, LONGEST_START = '("""|from |import |def |class |@)', len("import ")
"""… which begins as a file of it does: a small base begins with a link or a template."""
DIGITS = "[0-9]{3}$"
"""How the patterns of ids end."""
PATTERNED = frozenset({"pattern", "enum", "const", "format"})
"""The words of a schema that already say what a text is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prose:
    """How people write a role's texts: the places, names with dots between, whose texts all end as sentences do, and the fewest and most
    sentences of those that have few.
    """

    ended: frozenset[str] = frozenset()
    counts: Mapping[str, tuple[int, int]] = field(default_factory=dict)


def prose_of(answers: Iterable[Any]) -> Prose:
    """What authored answers show."""
    found: dict[str, list[str]] = defaultdict(list)
    for answer in answers:
        for place, text in places_of(answer):
            found[place].append(text)
    return Prose(
        ended=frozenset(place for place, texts in found.items() if all(text[-1:] in set(".!?") for text in texts)),
        counts={place: told for place, texts in found.items() if (told := counted(texts)) is not None},
    )


def counted(texts: Sequence[str]) -> tuple[int, int] | None:
    """Fewest and most sentences of the texts in a place; None = many, or what are no sentences."""
    parts = [[match[0] for match in SENTENCE.finditer(text)] for text in texts]
    whole = all("".join(found) == text for found, text in zip(parts, texts, strict=True))
    numbers = [len(found) for found in parts]
    return (min(numbers), max(numbers)) if whole and 0 < max(numbers) <= MOST else None


def places_of(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Every text with its place; an entry of a list has the list's."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from places_of(one, inside(place, name))
    elif isinstance(value, list):
        for one in value:
            yield from places_of(one, place)


def inside(place: str, name: str) -> str:
    """The place of a field."""
    return f"{place}.{name}" if place else name


def binding(schema: Mapping[str, Any], prose: Prose = Prose()) -> dict[str, Any]:
    """A role's schema as the runtime takes it: without our own notes, without optional white space, and its texts are prose or code: where JSON
    is asked for, a small base begins a title with `{{name}}` or `<ref>`, in 38 of 64 documents.

    Args:
        prose: texts end, and have so many sentences, as it says. Otherwise four in ten stop in the middle of one, and a small base writes on
            until the length cuts it off, two in three of an analyst's constraints: a model that is tuned to such texts learns no end.
    """
    own = {name: value for name, value in schema.items() if not name.startswith("x-")}
    return {"x-guidance": COMPACT, **told(own, prose, code=CODE if schema.get("x-code") else "")}


def told(schema: Mapping[str, Any], prose: Prose, place: str = "", *, code: str = "") -> dict[str, Any]:
    """A schema whose texts have no braces, brackets, markup or line breaks, and do not stop at a comma; the one at `code` begins as Python."""
    if schema.get("type") == "string":
        if PATTERNED.intersection(schema):
            return dict(schema)
        return code_of(schema) if code and place == code else text_of(schema, prose, place)
    inner = {
        name: told(one, prose, inside(place, name), code=code) for name, one in schema.get("properties", {}).items()
    }
    items = (
        {"items": told(schema["items"], prose, place, code=code)} if isinstance(schema.get("items"), Mapping) else {}
    )
    return {**schema, **({"properties": inner} if inner else {}), **items}


def code_of(text: Mapping[str, Any]) -> dict[str, Any]:
    """A text that begins as Python; no longer than its schema says."""
    least, most = text.get("minLength", 0), text.get("maxLength")
    return {**unsized(text), "pattern": rf"^{CODE_START}(.|\n){times(least - 1, most and most - LONGEST_START)}$"}


def unsized(text: Mapping[str, Any]) -> dict[str, Any]:
    """A text without its lengths."""
    return {name: value for name, value in text.items() if name not in {"minLength", "maxLength"}}


def text_of(text: Mapping[str, Any], prose: Prose, place: str) -> dict[str, Any]:
    """A text as the others in its place. The length is part of the pattern: llguidance refuses many a pattern beside a length ("unable to
    determine if regex is empty").
    """
    least, most = text.get("minLength", 0), text.get("maxLength")
    end = SENTENCE_END if place in prose.ended else WORD_END
    few, many = prose.counts.get(place, (0, 0))
    longest = sentence_length(most, max(1, many))
    spare = (longest or 0) // SPARE
    fewest, largest = (-(-least // few) if few else 0) - 1, most and (longest or 0) - 1 - spare
    if not few or (largest is not None and max(0, fewest) > largest):  # its lengths leave no room for such sentences
        return {**unsized(text), "pattern": f"^{ANY}{times(least - 1, most and most - 1)}{end}$"}
    size = times(fewest, largest)
    before = f"({ONE}{size}[.!?] ){times(few - 1, many - 1)}" if many > 1 else ""
    return {**unsized(text), "pattern": f"^{before}{ONE}{size}{'[.]?' if spare else ''}{end}$"}


def times(least: int, most: int | None) -> str:
    """How often something may be there; `most` None = without end."""
    return f"{{{max(0, least)},{'' if most is None else most}}}"


def sentence_length(most: int | None, many: int) -> int | None:
    """Characters that each of so many sentences may have: blanks stand between them."""
    return most and (most + 1) // many - 1


def cut_texts(value: Any, schema: Mapping[str, Any], prose: Prose, place: str = "") -> Iterator[str]:
    """The texts in which a sentence is as long as it could be: it did not end, its length ended it."""
    if isinstance(value, str):
        few, many = prose.counts.get(place, (0, 1))
        longest = None if PATTERNED.intersection(schema) else sentence_length(schema.get("maxLength"), many)
        parts = [match[0].rstrip() for match in SENTENCE.finditer(value)] if few else [value]
        if longest and any(len(part) >= FULL * longest for part in parts):
            yield value
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from cut_texts(one, schema.get("properties", {}).get(name, {}), prose, inside(place, name))
    elif isinstance(value, list):
        for one in value:
            yield from cut_texts(one, schema.get("items", {}), prose, place)


def without_cut(value: Any, schema: Mapping[str, Any], prose: Prose, place: str = "") -> Any:
    """A structure without the entries of its lists in which a text was ended by its length, where as many are left as its schema asks for."""
    if isinstance(value, dict):
        fields = schema.get("properties", {})
        return {name: without_cut(one, fields.get(name, {}), prose, inside(place, name)) for name, one in value.items()}
    if isinstance(value, list):
        inner = schema.get("items", {})
        ended = [one for one in value if next(cut_texts(one, inner, prose, place), None) is None]
        kept = ended if len(ended) >= schema.get("minItems", 0) else value
        return [without_cut(one, inner, prose, place) for one in kept]
    return value


def naming(schema: Mapping[str, Any], known: Sequence[str]) -> dict[str, Any]:
    """A bound schema in which a part may name only ids that are known: small models name requirements that nobody wrote. Ids that the answer
    gives itself stay as they are, also where something is called so in the question (E911).
    """
    own = set(own_patterns(schema))
    return named(schema, lambda pattern: [one for one in known if pattern not in own and re.fullmatch(pattern, one)])


def own_patterns(schema: Mapping[str, Any], field: str = "") -> Iterator[str]:
    """The patterns of the ids that an answer gives its parts."""
    if field == "id" and "pattern" in schema:
        yield str(schema["pattern"])
    for name, one in schema.get("properties", {}).items():
        yield from own_patterns(one, name)
    if isinstance(schema.get("items"), Mapping):
        yield from own_patterns(schema["items"], field)


def named(schema: Mapping[str, Any], fits: Callable[[str], Sequence[str]]) -> dict[str, Any]:
    """A schema whose ids are those that fit their pattern; where none does, it is left."""
    if schema.get("type") == "string":
        pattern = str(schema.get("pattern", ""))
        found = fits(pattern) if pattern.endswith(DIGITS) else ()
        return {"type": "string", "enum": list(found)} if found else dict(schema)
    inner = {name: named(one, fits) for name, one in schema.get("properties", {}).items()}
    items = {"items": named(schema["items"], fits)} if isinstance(schema.get("items"), Mapping) else {}
    return {**schema, **({"properties": inner} if inner else {}), **items}
