"""JSON that can be written down again: what Python's reader takes beyond the standard is refused, by what it is."""

import json
import math
import re
from typing import Any

MAX_DIGITS = 400
"""Longest number, characters. Python refuses to read whole numbers of over 4,300 digits, with an error of its own."""
ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class JsonProblem(ValueError):
    """Why a text is not taken as JSON, in a few words."""


def read_json_text(text: str, *, nul: bool = False) -> Any:
    """The value of a JSON text. With `nul` the character NUL is taken, by callers that take it out later.

    Raises:
        JsonProblem: malformed or nested too deeply; NaN, Infinity, a number without end; half a character (a lone
            surrogate), which no file and no database can hold; or the character NUL, which PostgreSQL cannot hold.
    """
    try:
        value = json.loads(text, parse_constant=no_number, parse_int=whole_number, parse_float=finite_number)
    except RecursionError as exc:
        raise JsonProblem("not JSON (nested too deeply)") from exc
    except json.JSONDecodeError as exc:
        raise JsonProblem(f"not JSON ({exc.msg}, column {exc.colno})") from exc
    if ESCAPED_SURROGATE.search(text):  # only an escape can bring one in: what decodes as UTF-8 has none
        require_whole(text, value)
    if not nul and ("\\u0000" in text or "\x00" in text):
        require_no_nul(value)
    return value


def no_number(name: str) -> float:
    """NaN, Infinity, -Infinity are Python's, not JSON's."""
    raise JsonProblem(f"{name} is no number in JSON; a missing value is null")


def whole_number(digits: str) -> int:
    """A whole number of a bounded length."""
    if len(digits) > MAX_DIGITS:
        raise JsonProblem(f"a number of {len(digits)} digits")
    return int(digits)


def finite_number(digits: str) -> float:
    """A number with a fraction or an exponent."""
    value = float(digits) if len(digits) <= MAX_DIGITS else math.inf
    if not math.isfinite(value):
        raise JsonProblem(f"a number too large to hold: {digits[:20]}")
    return value


def require_whole(text: str, value: Any) -> None:
    """Refuse half characters anywhere in a value.

    Raises:
        JsonProblem: there is one.
    """
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as exc:
        found = ESCAPED_SURROGATE.search(text)
        at = found.start() + 1 if found else 1
        raise JsonProblem(f"half a character (a lone surrogate such as \\ud83d), column {at}") from exc


def require_no_nul(value: Any) -> None:
    """Refuse the character NUL in any text or key of a value.

    Raises:
        JsonProblem: there is one.
    """
    parts = [value]
    while parts:
        one = parts.pop()
        if isinstance(one, str) and "\x00" in one:
            raise JsonProblem("the character NUL (\\u0000) in a text")
        if isinstance(one, dict):
            parts += [*one.keys(), *one.values()]
        elif isinstance(one, list):
            parts += one
