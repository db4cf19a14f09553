"""What binds a role's answer while it is written: its schema, with texts as people have written them, and with the ids that may be named."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from afina.chat import COMPACT

MARKS = r"{}\[\]<>|\\`\n\r\t"
"""What a text of prose has none of."""
WORD_END, SENTENCE_END = rf"[^{MARKS} ,;:(¿¡#-]", "[.!?]"
"""How it ends."""
ANY, ONE = rf"[^{MARKS}]", rf"([^{MARKS}.!?]|[0-9][.][0-9])"
"""What it is made of: any number of sentences, or one, in which a full stop is part of a number. If it could be part of a name too, small
models would go on behind it ("orders per minute.You have no control")."""
SINGLE = re.compile(rf"{ONE}*[.]?({WORD_END}|{SENTENCE_END})")
SPARE = 20
"""In one sentence a number is counted as one character: a twentieth of the length is left for that."""
PATTERNED = frozenset({"pattern", "enum", "const", "format"})
"""The words of a schema that already say what a text is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prose:
    """How people write a role's texts: the places, names with dots between, whose texts all end as sentences do, and those that are all one
    sentence at most.
    """

    ended: frozenset[str] = frozenset()
    single: frozenset[str] = frozenset()


def prose_of(answers: Iterable[Any]) -> Prose:
    """What authored answers show."""
    found: dict[str, list[str]] = defaultdict(list)
    for answer in answers:
        for place, text in places_of(answer):
            found[place].append(text)
    return Prose(
        ended=frozenset(place for place, texts in found.items() if all(text[-1:] in set(".!?") for text in texts)),
        single=frozenset(place for place, texts in found.items() if all(map(SINGLE.fullmatch, texts))),
    )


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
    """A role's schema as the runtime takes it: without our own notes, without optional white space, and its texts are prose (unless they
    are code): where JSON is asked for, a small base begins a title with `{{name}}` or `<ref>`, in 38 of 64 documents.

    Args:
        prose: texts end, and are one sentence, where it says so. Otherwise four in ten stop in the middle of one, and a small base writes on
            until the length cuts it off, two in three of an analyst's constraints: a model that is tuned to such texts learns no end.
    """
    own = {name: value for name, value in schema.items() if not name.startswith("x-")}
    return {"x-guidance": COMPACT, **(own if schema.get("x-code") else told(own, prose))}


def told(schema: Mapping[str, Any], prose: Prose, place: str = "") -> dict[str, Any]:
    """A schema whose texts have no braces, brackets, markup or line breaks, and do not stop at a comma."""
    if schema.get("type") == "string":
        return dict(schema) if PATTERNED.intersection(schema) else text_of(schema, prose, place)
    inner = {name: told(one, prose, inside(place, name)) for name, one in schema.get("properties", {}).items()}
    items = {"items": told(schema["items"], prose, place)} if isinstance(schema.get("items"), Mapping) else {}
    return {**schema, **({"properties": inner} if inner else {}), **items}


def text_of(text: Mapping[str, Any], prose: Prose, place: str) -> dict[str, Any]:
    """A text as the others in its place. The length is part of the pattern: llguidance refuses many a pattern beside a length ("unable to
    determine if regex is empty").
    """
    least, most = max(0, text.get("minLength", 0) - 1), text.get("maxLength")
    single, end = place in prose.single, SENTENCE_END if place in prose.ended else WORD_END
    spare = most // SPARE if single and most else 0
    times = f"{{{least},{'' if most is None else most - 1 - spare}}}"
    rest = {name: value for name, value in text.items() if name not in {"minLength", "maxLength"}}
    return {**rest, "pattern": f"^{ONE if single else ANY}{times}{'[.]?' if spare else ''}{end}$"}


def naming(schema: Mapping[str, Any], known: Sequence[str], field: str = "") -> dict[str, Any]:
    """A bound schema in which a part may name only ids that are known: small models name requirements that nobody wrote. Ids of which none
    is known, because the answer gives them itself, stay as they are.
    """
    if schema.get("type") == "string":
        pattern = schema.get("pattern", "")
        fits = [one for one in known if pattern and field != "id" and re.fullmatch(pattern, one)]
        return {"type": "string", "enum": fits} if fits and pattern.endswith("[0-9]{3}$") else dict(schema)
    inner = {name: naming(one, known, name) for name, one in schema.get("properties", {}).items()}
    items = {"items": naming(schema["items"], known, field)} if isinstance(schema.get("items"), Mapping) else {}
    return {**schema, **({"properties": inner} if inner else {}), **items}
