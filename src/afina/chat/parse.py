"""Answers → the structure that is in them. JSON and YAML as models write them, code fences aside."""

import json
from typing import Any

import yaml

COMPACT = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
"""JSON without optional white space, for llguidance, the grammar engine inside our runtime: left free, a small model may
pad an answer with blanks until its tokens run out."""
ONE_OF = "x-one-of"
"""The word of a schema with narrower ones, of which an answer fulfils one: for our runtime, others are told the wider one."""
MAX_CHARS = 100_000
"""A reply is a few thousand; more is not worth a parser's time."""


class PlainLoader(yaml.SafeLoader):
    """YAML without references: a few lines of them can mean gigabytes."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """As usual, but no alias.

        Raises:
            YAMLError: there is one.
        """
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("references are not read")
        return super().compose_node(parent, index)


def unfenced(reply: str) -> str:
    """The reply without the code fence that models like to put around structures."""
    text = reply[:MAX_CHARS].strip()
    if text.startswith("```") and text.endswith("```") and "\n" in text:
        return text[text.index("\n") + 1 : -3].strip()
    return text


def read_json(reply: str) -> Any:
    """The reply as JSON; None when it is none."""
    try:
        return json.loads(unfenced(reply))
    except (ValueError, RecursionError):  # ValueError: no JSON, or a number of thousands of digits
        return None


def read_yaml(reply: str) -> Any:
    """The reply as YAML, if it is a mapping or a list; None otherwise: every plain sentence is a YAML string."""
    try:
        found = yaml.load(unfenced(reply), Loader=PlainLoader)  # noqa: S506  (a SafeLoader that reads less)
    except Exception:  # constructors of odd tags raise whatever they like
        return None
    return found if isinstance(found, dict | list) else None
