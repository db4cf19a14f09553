"""As much of Go's text/template as an Ollama TEMPLATE needs, to render what Ollama would: actions over `.Messages`.

Supported: text, `{{-` and `-}}` trimming, string literals, `.Content`, `.Role`, `$name := value`, `$name = value`, `range
.Messages`, `if`/`else if`/`else`/`end` with `eq .Role "x"`, `not $name` and `$name`. Anything else is an error.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

from afina.records import Turn

ACTION = re.compile(r"\{\{(-?)\s*(.*?)\s*(-?)\}\}", re.DOTALL)
Node = tuple[str, str, list[Any]]
"""Kind, content, and what is inside: nodes of a range, (condition, nodes) of an if."""


def tokens(template: str) -> list[tuple[str, str]]:
    """("text" | "action", content) in order, blanks trimmed where the actions ask for it."""
    found: list[tuple[str, str]] = []
    at, trim = 0, False
    for match in ACTION.finditer(template):
        text = template[at : match.start()]
        text = text.lstrip() if trim else text
        found += [("text", text.rstrip() if match[1] else text), ("action", match[2])]
        at, trim = match.end(), bool(match[3])
    rest = template[at:]
    return [*found, ("text", rest.lstrip() if trim else rest)]


def render_go(template: str, turns: Sequence[Turn]) -> str:
    """The template's output for a chat."""
    stream = tokens(template)
    nodes, end = parse(stream, 0)
    assert end == len(stream), "an `end` too many"
    return run(nodes, {}, turns, None)


def parse(stream: list[tuple[str, str]], at: int) -> tuple[list[Node], int]:
    """Nodes up to the block's end."""
    nodes: list[Node] = []
    while at < len(stream):
        kind, content = stream[at]
        at += 1
        if kind == "text":
            nodes.append(("text", content, []))
        elif content.startswith("range "):
            body, at = parse(stream, at)
            assert stream[at - 1][1] == "end"
            nodes.append(("range", content.removeprefix("range "), body))
        elif content.startswith("if "):
            branches = []
            condition = content.removeprefix("if ")
            while True:
                body, at = parse(stream, at)
                branches.append((condition, body))
                closing = stream[at - 1][1]
                if closing == "end":
                    break
                condition = closing.removeprefix("else").strip().removeprefix("if ")
            nodes.append(("if", "", branches))
        elif content == "end" or content.startswith("else"):
            return nodes, at
        else:
            nodes.append(("do", content, []))
    return nodes, at


def value(expression: str, names: dict[str, object], turn: Turn | None) -> object:
    """What an expression stands for."""
    if expression in {"true", "false"}:
        return expression == "true"
    if expression.startswith('"'):
        return json.loads(expression)
    if expression.startswith("$"):
        return names[expression]
    if expression.startswith("not "):
        return not value(expression[4:], names, turn)
    if expression.startswith("eq "):
        _, left, right = expression.split(maxsplit=2)
        return value(left, names, turn) == value(right, names, turn)
    assert turn is not None
    return {".Content": turn.content, ".Role": turn.role}[expression]


def run(nodes: list[Any], names: dict[str, object], turns: Sequence[Turn], turn: Turn | None) -> str:
    """The nodes' output."""
    text = ""
    for kind, content, inner in nodes:
        if kind == "text":
            text += content
        elif kind == "range":
            assert content == ".Messages"
            text += "".join(run(inner, names, turns, one) for one in turns)
        elif kind == "if":
            chosen: list[Any] = next((body for test, body in inner if not test or value(test, names, turn)), [])
            text += run(chosen, names, turns, turn)
        elif "=" in content:
            name, _, expression = content.replace(":=", "=").partition("=")
            names[name.strip()] = value(expression.strip(), names, turn)
        else:
            text += str(value(content, names, turn))
    return text
