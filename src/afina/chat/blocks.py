"""Structures as models write them in YAML: every text of more than a word is a block of its own.

    description: >-
      Patients "book" their own appointments: nothing in here needs an escape.

In JSON a small tuned model writes `called "X"` without its escapes, or ends a sentence with the comma inside the quotes: of 45 answers 37 were
valid. Written so 45 were, tuned on the same examples (docs/lab-notes.md, "role models").
"""

import json
from typing import Any

import yaml

from afina.chat.parse import read_json, read_yaml

WIDTH = 10_000
"""No line is broken: a model reads whole sentences."""


class BlockDumper(yaml.SafeDumper):
    """YAML whose texts are blocks; nothing is an alias, which is not read either."""

    def ignore_aliases(self, data: Any) -> bool:
        """Equal parts are written twice."""
        del data
        return True


def represent_text(dumper: BlockDumper, text: str) -> yaml.ScalarNode:
    """A text in its style."""
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style_of(text))


def style_of(text: str) -> str | None:
    """Code as it stands, a text in the next line, a word beside its key (None, with quotes where it needs some)."""
    lines = text.removesuffix("\n").split("\n")
    if not all(map(str.isprintable, lines)):
        return '"'  # other line breaks, which PyYAML would lose
    if not text[:1].strip() or lines[-1] != lines[-1].rstrip() or not lines[-1]:
        return None  # a block takes blanks at its ends for its own
    if "\n" in text:
        return "|"
    return ">" if " " in text else None


BlockDumper.add_representer(str, represent_text)


def as_blocks(value: Any) -> str:
    """A structure as YAML, keys in their order, without a line break at its end."""
    return yaml.dump(value, Dumper=BlockDumper, sort_keys=False, allow_unicode=True, width=WIDTH).rstrip("\n")


def written_as(answer: str, form: str) -> str:
    """An answer as YAML of that layout where `form` is `yaml`, else as JSON in its one form; what is no structure, or
    has names that JSON has no word for, stays as it is.
    """
    found = read_json(answer)
    found = read_yaml(answer) if found is None else found
    if not isinstance(found, dict | list):
        return answer
    try:
        plain = json.dumps(found, ensure_ascii=False, default=str)
    except TypeError:
        return answer
    return as_blocks(json.loads(plain)) if form == "yaml" else plain
