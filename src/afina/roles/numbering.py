"""The ids that an answer gives its parts and names elsewhere in itself: an architect's epics, which its stories name."""

import re
from collections.abc import Mapping
from typing import Any

from afina.chat import ONE_OF
from afina.roles.binding import DIGITS, named

COUNTED, MOST, LONGEST = re.compile(r"\^[A-Z]+\[0-9\]\{3\}\$"), 9, 12
"""The patterns of ids that are counted, how many are where a list has no end, and the longest list that has a schema for each length: together
they have as many entries as its square.
"""


def numbered(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A bound schema with one for each length of the first list whose ids are named elsewhere in the answer: so many are counted from 001, and no
    other may be named. Left free, a small base goes on counting where it names, one epic E001 and stories of E002 to E008: of 16 architects'
    answers 3 could be used, and 14 so.
    """
    first = next(iter(referred(schema).items()), None)
    if first is None:
        return dict(schema)
    name, pattern = first
    many = schema["properties"][name]
    least = max(1, many.get("minItems", 1))
    most = many.get("maxItems", max(least, MOST))
    if not least <= most <= LONGEST:
        return dict(schema)
    return {**schema, ONE_OF: [of_length(schema, name, pattern, length) for length in range(least, most + 1)]}


def referred(schema: Mapping[str, Any]) -> dict[str, str]:
    """Lists of an answer whose entries have ids that another part of it names, with the ids' patterns."""
    ids = {
        field: str(many["items"]["properties"]["id"]["pattern"])
        for field, many in schema.get("properties", {}).items()
        if "pattern" in many.get("items", {}).get("properties", {}).get("id", {})
    }
    return {field: pattern for field, pattern in ids.items() if COUNTED.match(pattern) and named_in(schema, pattern)}


def named_in(schema: Mapping[str, Any], pattern: str, field: str = "") -> bool:
    """Whether ids of a pattern stand in a field that is not the id itself."""
    if schema.get("pattern") == pattern and field != "id":
        return True
    inner = any(named_in(one, pattern, name) for name, one in schema.get("properties", {}).items())
    return inner or (isinstance(schema.get("items"), Mapping) and named_in(schema["items"], pattern, field))


def of_length(schema: Mapping[str, Any], field: str, pattern: str, length: int) -> dict[str, Any]:
    """A schema whose list is so long, its ids one after the other."""
    prefix = pattern[1 : -len(DIGITS)]
    ids = [f"{prefix}{number:03d}" for number in range(1, length + 1)]
    found = named(schema, lambda one: ids if one == pattern else ())
    entry = found["properties"][field]["items"]
    entries = [{**entry, "properties": {**entry["properties"], "id": {"const": name}}} for name in ids]
    many = {"type": "array", "prefixItems": entries, "minItems": length, "maxItems": length}
    return {**found, "properties": {**found["properties"], field: many}}
