"""As much of Go's text/template as the templates of Ollama models use, to render what Ollama would.

Actions, variables, fields, `if`, `with`, `range`, `else`, `break`, `continue`, trimming, comments, pipelines, and the functions that Ollama offers.
What a template does beyond that is refused by name. Source: Go's documentation of text/template; Ollama's `template/template.go` for how a chat
becomes the template's values.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from afina.errors import TemplateError
from afina.records import Turn

ACTION = re.compile(r"\{\{(-?)\s*(/\*.*?\*/|.*?)\s*(-?)\}\}", re.DOTALL)
WORD = re.compile(
    r"""\s*(?:(?P<text>"(?:\\.|[^"\\])*"|`[^`]*`)|(?P<number>-?\d+(?:\.\d+)?)|(?P<name>\$?\w*(?:\.\w+)+|\$\w*|\.|\w+)"""
    r"""|(?P<sign>:=|=|\||\(|\)|,))"""
)
Names = dict[str, Any]
"""Variables by name, `$` the root, `.` the value at hand."""


class Stop(Exception):
    """The template has come to the place of the answer. `text` was written before."""

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self.text = text


class Leave(Exception):
    """`break` or `continue` of a range. `text` was written before."""

    def __init__(self, word: str, text: str = "") -> None:
        super().__init__()
        self.word, self.text = word, text


@dataclass(slots=True)
class Node:
    """A text, an action's words, or a block: `kind` if, with or range, its words, its body, what follows `else`."""

    kind: str
    text: str = ""
    words: list[str] = field(default_factory=list)
    body: list["Node"] = field(default_factory=list)
    other: list["Node"] = field(default_factory=list)


def words_of(action: str) -> list[str]:
    """An action's words.

    Raises:
        TemplateError: there is something in it that is no word.
    """
    words, at = [], 0
    action = action.strip()
    while at < len(action):
        found = WORD.match(action, at)
        if found is None:
            raise TemplateError(f"the Go template has {action[at : at + 20]!r}, which is not read here")
        words.append(found[0].strip())
        at = found.end()
    return words


def stream(template: str) -> Iterator[Node]:
    """Texts and actions in order, blanks trimmed where the actions ask for it."""
    at, trim = 0, False
    for found in ACTION.finditer(template):
        text = template[at : found.start()]
        text = text.lstrip() if trim else text
        yield Node("text", text.rstrip() if found[1] else text)
        if not found[2].startswith("/*"):
            yield Node("do", words=words_of(found[2]))
        at, trim = found.end(), bool(found[3])
    rest = template[at:]
    yield Node("text", rest.lstrip() if trim else rest)


def parse(template: str) -> list[Node]:
    """The template's tree.

    Raises:
        TemplateError: a block is not closed, or an `end` is too many.
    """
    nodes, ended = block(stream(template))
    if ended:
        raise TemplateError(f"the Go template has an {ended[0]!r} without a block")
    return nodes


def block(found: Iterator[Node]) -> tuple[list[Node], list[str]]:
    """Nodes up to the `end` or `else` of this level, with its words; no words at the end of the template."""
    nodes: list[Node] = []
    for node in found:
        first = node.words[0] if node.words else ""
        if first in {"end", "else"}:
            return nodes, node.words
        if first in {"if", "with", "range"}:
            opened = Node(first, words=node.words[1:])
            opened.body, ended = block(found)
            inner = opened
            while ended[:1] == ["else"] and ended[1:2] in (["if"], ["with"]):
                nested = Node(ended[1], words=ended[2:])
                inner.other = [nested]
                inner = nested
                nested.body, ended = block(found)
            if ended == ["else"]:
                inner.other, ended = block(found)
            if ended != ["end"]:
                raise TemplateError(f"the Go template does not close its {first!r}")
            nodes.append(opened)
        else:
            nodes.append(node)
    return nodes, []


def rest_from(items: Any, low: Any = 0, high: Any = None) -> Any:
    """Go's `slice`."""
    return items[low:high]


def at_index(items: Any, *keys: Any) -> Any:
    """Go's `index`."""
    for key in keys:
        items = items.get(key) if isinstance(items, Mapping) else items[key]
    return items


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "not": lambda x: not x,
    "eq": lambda x, *others: any(x == other for other in others),
    "ne": lambda x, y: x != y,
    "lt": lambda x, y: x < y,
    "le": lambda x, y: x <= y,
    "gt": lambda x, y: x > y,
    "ge": lambda x, y: x >= y,
    "len": len,
    "index": at_index,
    "slice": rest_from,
    "json": lambda x: json.dumps(x, ensure_ascii=False, separators=(",", ":")),
    "print": lambda *values: "".join(map(shown, values)),
    "printf": lambda form, *values: form.replace("%v", "%s").replace("%q", '"%s"') % values,
    "currentDate": lambda: "",
}


class Words:
    """The words of a pipeline, read one by one."""

    def __init__(self, words: Sequence[str], names: Names, *, cut: bool) -> None:
        self.words, self.names, self.cut, self.at = words, names, cut, 0

    def value(self) -> Any:
        """A pipeline: every command gets the value before it as its last argument."""
        found = self.command()
        while self.peek() == "|":
            self.at += 1
            found = self.command(found)
        return found

    def peek(self) -> str:
        """The next word; "" at the end."""
        return self.words[self.at] if self.at < len(self.words) else ""

    def command(self, *piped: Any) -> Any:
        """A function with its arguments, or one operand."""
        name = self.peek()
        if name in {"and", "or"}:
            self.at += 1
            values = [*self.operands(), *piped]
            return next((value for value in values if bool(value) == (name == "or")), values[-1])
        if name in FUNCTIONS:
            self.at += 1
            return FUNCTIONS[name](*self.operands(), *piped)
        return self.operand()

    def operands(self) -> list[Any]:
        """Operands up to the end of the command."""
        found = []
        while self.peek() not in {"", "|", ")"}:
            found.append(self.operand())
        return found

    def operand(self) -> Any:
        """A value that stands for itself, a variable, a field, or a pipeline in brackets."""
        word = self.peek()
        self.at += 1
        if word == "(":
            found = self.value()
            self.at += 1  # the closing bracket
            if self.peek().startswith(".") and self.peek() != ".":
                found = fields(found, self.peek()[1:])
                self.at += 1
            return found
        if word in {"true", "false", "nil"}:
            return {"true": True, "false": False, "nil": None}[word]
        if word[:1] in {'"', "`"}:
            return json.loads(word) if word[0] == '"' else word[1:-1]
        if word[:1].isdigit() or word[:1] == "-":
            return float(word) if "." in word else int(word)
        if word in FUNCTIONS:
            return FUNCTIONS[word]()
        return self.named(word)

    def named(self, word: str) -> Any:
        """A variable or field. `.Response` is where the answer will stand."""
        name, _, path = word.partition(".")
        if self.cut and path.split(".")[0] == "Response" and name in {"", "$"}:
            raise Stop
        if name and name not in self.names:
            raise TemplateError(f"the Go template uses {name!r}, which is not known here")
        return fields(self.names[name or "."], path)


def fields(value: Any, path: str) -> Any:
    """A field of a field; what is not there is empty."""
    for name in filter(None, path.split(".")):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def shown(value: Any) -> str:
    """A value as Go prints it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def assigned(words: Sequence[str]) -> tuple[list[str], Sequence[str]]:
    """The variables that an action or a range sets, and the words of their value."""
    for sign in (":=", "="):
        if sign in words:
            at = list(words).index(sign)
            return [word for word in words[:at] if word != ","], words[at + 1 :]
    return [], words


def run(nodes: Sequence[Node], names: Names, *, cut: bool) -> str:
    """What the nodes write. With `cut`, as far as the answer's place.

    Raises:
        Stop: it came there. Leave: a range is to be left.
    """
    text = ""
    try:
        for node in nodes:
            text += node.text if node.kind == "text" else one(node, names, cut=cut)
    except (Stop, Leave) as exc:
        exc.text = text + exc.text
        raise
    return text


def one(node: Node, names: Names, *, cut: bool) -> str:
    """What an action or a block writes."""
    if node.words in (["break"], ["continue"]):
        raise Leave(node.words[0])
    variables, words = assigned(node.words)
    value = Words(words, names, cut=cut).value()
    if node.kind == "range":
        return repeated(node, value, names, variables=variables, cut=cut)
    for name in variables:
        names[name] = value
    if node.kind == "if":
        return run(node.body if value else node.other, names, cut=cut)
    if node.kind == "with":
        return run(node.body, {**names, ".": value}, cut=cut) if value else run(node.other, names, cut=cut)
    return "" if variables else shown(value)


def repeated(node: Node, items: Any, names: Names, *, variables: list[str], cut: bool) -> str:
    """A range's body for every item; variables that were set outside keep what the body sets."""
    pairs = list(items.items() if isinstance(items, Mapping) else enumerate(items or ()))
    if not pairs:
        return run(node.other, names, cut=cut)
    text, before = "", names["."]
    for key, item in pairs:
        given = (key, item) if len(variables) == 2 else (item,)
        names.update(zip(variables, given, strict=False))
        names["."] = item
        try:
            text += run(node.body, names, cut=cut)
        except Leave as exc:
            text += exc.text
            if exc.word == "break":
                break
        except Stop as exc:
            exc.text = text + exc.text
            raise
    names["."] = before
    return text


def execute(nodes: Sequence[Node], values: Mapping[str, Any], *, cut: bool = False) -> str:
    """The template's text for its values.

    Raises:
        TemplateError: it does what is not read here.
    """
    try:
        return run(nodes, {"$": values, ".": values}, cut=cut)
    except Stop as exc:
        return exc.text
    except (TypeError, KeyError, IndexError, AttributeError, ValueError, RecursionError) as exc:
        raise TemplateError(f"the Go template cannot be rendered here: {exc}") from exc


def render_ollama(template: str, turns: Sequence[Turn]) -> str:
    """What Ollama hands to the model for a chat that waits for an answer; the begin-of-text token comes later, from the tokenizer.

    Templates that name `.Messages` get all of them; the older ones are rendered a question and its answer at a time.

    Raises:
        TemplateError: see `execute`.
    """
    merged = collated(turns)
    if ".Messages" in template:
        system = "\n\n".join(turn["Content"] for turn in merged if turn["Role"] == "system")
        return execute(parse(template), {"System": system, "Messages": merged, "Tools": [], "Response": ""})
    nodes = parse(template if ".Response" in template else template + "{{ .Response }}")
    text, at_hand = "", {"System": "", "Prompt": "", "Response": ""}
    for turn in merged:
        role, content = turn["Role"], turn["Content"]
        full = at_hand["Response"] or (at_hand["Prompt"] if role == "system" else "")
        if full and role != "assistant":
            text += execute(nodes, at_hand)
            at_hand = dict.fromkeys(at_hand, "")
        at_hand[{"system": "System", "user": "Prompt", "assistant": "Response"}[role]] = content
    return text + execute(nodes, at_hand, cut=True)


def collated(turns: Sequence[Turn]) -> list[dict[str, Any]]:
    """The messages as Ollama's templates see them: one role's turns in a row are one."""
    found: list[dict[str, Any]] = []
    for turn in turns:
        if found and found[-1]["Role"] == turn.role:
            found[-1]["Content"] += f"\n\n{turn.content}"
        else:
            found.append({"Role": turn.role, "Content": turn.content, "ToolCalls": []})
    return found
