"""A parser of Modelfiles by the published grammar (Ollama, docs/modelfile): instructions, their arguments, their types."""

import re

INSTRUCTIONS = {"FROM", "PARAMETER", "TEMPLATE", "SYSTEM", "ADAPTER", "LICENSE", "MESSAGE", "REQUIRES"}
PARAMETERS = {
    "num_ctx": int, "repeat_last_n": int, "repeat_penalty": float, "temperature": float, "seed": int, "stop": str,
    "num_predict": int, "top_k": int, "top_p": float, "min_p": float,
}  # fmt: skip
LINE = re.compile(r'\s*(?:#[^\n]*|(?P<name>[A-Za-z]+)\s+(?P<value>"""(?:.*?)"""|[^\n]*))?(?:\n|\Z)', re.DOTALL)


def parse_modelfile(text: str) -> list[tuple[str, str]]:
    """(instruction, argument) pairs.

    Raises:
        ValueError: the text does not follow the grammar; says what.
    """
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        match = LINE.match(text, at)
        if match is None or match.end() == at:
            raise ValueError(f"cannot read {text[at : at + 40]!r}")
        at = match.end()
        if match["name"]:
            found.append((match["name"].upper(), unquote(match["value"])))
    check(found)
    return found


def unquote(value: str) -> str:
    """The argument without its quotes."""
    for quote in ('"""', '"'):
        if value.startswith(quote) and value.endswith(quote) and len(value) >= 2 * len(quote):
            return value[len(quote) : -len(quote)]
    if value.startswith('"'):
        raise ValueError(f"a quote is not closed: {value!r}")
    return value.strip()


def check(found: list[tuple[str, str]]) -> None:
    """Known instructions, one FROM first, parameters of their types."""
    names = [name for name, _ in found]
    if unknown := set(names) - INSTRUCTIONS:
        raise ValueError(f"unknown instructions {sorted(unknown)}")
    if names.count("FROM") != 1 or names[0] != "FROM":
        raise ValueError("one FROM must come first")
    for name, argument in found:
        if name == "PARAMETER":
            key, _, value = argument.partition(" ")
            if key not in PARAMETERS:
                raise ValueError(f"unknown parameter {key}")
            PARAMETERS[key](unquote(value))
