"""What is wrong with a role's answer, and how much of it is right: its schema, the ids it names, what it says, and whether code is code.

Nothing here needs a reference answer: the same checks choose synthetic examples, stop a chain, and compare models.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import regex
from jsonschema import Draft202012Validator
from referencing import Registry

from afina.chat.parse import read_json, read_yaml
from afina.sameness import label_variant, message_key, words

ID = re.compile(r"[A-Z]{1,3}[0-9]{3}")
"""FR001, NFR001, C001, PB001, E001, S001, T001."""
PROSE = 15
"""Characters from which a text is taken for something said, not for a name or a level."""
UNSPACED = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]+")
"""Scripts whose words no blank parts: a sentence would be one word, and no answer would speak of it."""
STEM = 5
"""Letters by which two forms of one word are known: "patient" and "patients", "cita" and "citas"."""
ENOUGH_SAID, ENOUGH_NEW = 0.5, 0.7
"""Share of the asked words that are taken up, and of three words in a row that occur once, from which an answer has the full score:
the analyst's human examples have 0.44 to 0.82 and 0.92 to 0.99."""
NEEDED = ("read", "schema", "ids", "references", "code")
"""Checks without which the next role cannot work."""
CONTENT, PLAIN = ("about", "new"), "plain"
MARKUP = re.compile(
    r"\{\{|\}\}|\{%|\$\{|</?[a-z!][^>]*>|\[\[|\]\]|&[a-z]+;|```|\[?insert\b.{0,12}\bhere\b", re.IGNORECASE
)
"""What is left of a template or a page where something should be said."""
SHOWN = 8
FUNCTION_WORDS = frozenset(
    {
        "concept", "concepto", "that", "with", "from", "into", "their", "them", "they", "this", "which", "must", "will", "have", "been",
        "para", "como", "desde", "entre", "sobre", "cada", "donde", "quien", "todos", "todas", "estos", "estas", "este", "esta",
        "puede", "pueden", "deben", "system", "sistema",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Checked:
    """Scores by check, 0 to 1, and what is wrong in words that a model or a person can act on."""

    scores: dict[str, float]
    problems: tuple[str, ...]

    @property
    def usable(self) -> bool:
        """Whether the next role can work with it."""
        return all(self.scores.get(name, 1.0) == 1 for name in NEEDED)

    @property
    def score(self) -> float:
        """How right its form is, times how good its content, times the share that is prose: bound by a schema every form is right, and that
        alone is worth nothing.
        """
        form = [value for name, value in self.scores.items() if name not in (*CONTENT, PLAIN)]
        return fmean(form) * fmean(self.scores[name] for name in CONTENT) * self.scores.get(PLAIN, 1.0)


def read_answer(reply: str) -> Any:
    """An answer as JSON or else YAML; None when it is neither an object nor a list."""
    found = read_json(reply)
    return found if isinstance(found, dict | list) else read_yaml(reply)


def check_answer(reply: str, asked: str, schema: Mapping[str, Any]) -> Checked:
    """Check an answer.

    Args:
        reply: as the model wrote it.
        asked: the message that it answers: ids in it may be named, and its words should be taken up.
        schema: a JSON schema; `x-covers` is the prefix of ids in `asked` each of which must be named, `x-code` says that files are Python.
    """
    found = read_answer(reply)
    own_names = [name for name in ("covers", "code") if schema.get(f"x-{name}")]
    names = ["ids", "references", "about", "new", *own_names, *([] if schema.get("x-code") else [PLAIN])]
    if not isinstance(found, dict):
        return Checked(
            dict.fromkeys(("read", "schema", *names), 0.0), ("it is neither JSON nor YAML with named fields",)
        )
    problems = [*schema_problems(found, schema)]
    scores = {"read": 1.0, "schema": schema_share(found, schema)}
    for name in names:
        scores[name], own = CHECKS[name](found, asked, schema)
        problems += own
    return Checked(scores, tuple(problems[:SHOWN]))


def schema_problems(found: Any, schema: Mapping[str, Any]) -> Iterator[str]:
    """What breaks the schema, each with its place."""
    validator = Draft202012Validator(schema, registry=Registry())  # which fetches nothing
    for error in sorted(validator.iter_errors(found), key=lambda one: list(map(str, one.absolute_path))):
        place = ".".join(map(str, error.absolute_path)) or "the answer"
        yield f"{place}: {error.message[:120]}"


def schema_share(value: Any, schema: Mapping[str, Any]) -> float:
    """Share of what a schema asks that is there: a half-right answer is worth more than none."""
    met, asked = met_of(value, schema)
    return met / asked if asked else 1.0


def met_of(value: Any, schema: Mapping[str, Any]) -> tuple[float, float]:
    """(fulfilled, asked) over everything a schema asks of a value."""
    if schema.get("type") == "object":
        known: Mapping[str, Any] = schema.get("properties", {})
        own = value if isinstance(value, dict) else {}
        wanted = [name for name in known if name in schema.get("required", ()) or name in own]
        parts = [met_of(own.get(name), known[name]) for name in wanted]
        strange = len(own.keys() - known.keys())
        return sum(met for met, _ in parts), sum(asked for _, asked in parts) + strange
    if schema.get("type") == "array":
        least, most = schema.get("minItems", 0), schema.get("maxItems", 10**6)
        items = value if isinstance(value, list) else []
        parts = [met_of(item, schema.get("items", {})) for item in (*items, *[None] * (least - len(items)))]
        right = float(isinstance(value, list) and least <= len(items) <= most)
        return right + sum(met for met, _ in parts), 1 + sum(asked for _, asked in parts)
    return float(Draft202012Validator(schema, registry=Registry()).is_valid(value)), 1.0


def texts_of(value: Any) -> Iterator[str]:
    """Every text in a structure."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from texts_of(one)


def own_ids(value: Any) -> Iterator[str]:
    """The ids that a structure gives its parts."""
    if isinstance(value, dict):
        if isinstance(value.get("id"), str):
            yield value["id"]
        for one in value.values():
            yield from own_ids(one)
    elif isinstance(value, list):
        for one in value:
            yield from own_ids(one)


Found = tuple[float, list[str]]


def ids_once(found: dict[str, Any], _asked: str, _schema: Mapping[str, Any]) -> Found:
    """Share of the ids that are given once."""
    counts = Counter(own_ids(found))
    twice = [name for name, count in counts.items() if count > 1]
    total = sum(counts.values())
    return (1.0 if not total else len(counts) / total), [
        f"the id {name} is given {counts[name]} times" for name in twice
    ]


def references_hold(found: dict[str, Any], asked: str, _schema: Mapping[str, Any]) -> Found:
    """Share of the named ids that are given in the answer or in what it was asked."""
    given = set(own_ids(found)) | set(ID.findall(asked))
    named = [text for text in texts_of(found) if ID.fullmatch(text)]
    lost = [name for name in dict.fromkeys(named) if name not in given]
    share = 1 - sum(name in lost for name in named) / len(named) if named else 1.0
    return share, [f"{name} is named, but is nowhere defined" for name in lost]


def covers_all(found: dict[str, Any], asked: str, schema: Mapping[str, Any]) -> Found:
    """Share of the asked ids of a kind that the answer names."""
    wanted = [name for name in dict.fromkeys(ID.findall(asked)) if name.rstrip("0123456789") == schema["x-covers"]]
    named = {text for text in texts_of(found) if ID.fullmatch(text)}
    missing = [name for name in wanted if name not in named]
    return (1 - len(missing) / len(wanted) if wanted else 1.0), [f"nothing covers {name}" for name in missing]


def takes_up(found: dict[str, Any], asked: str, _schema: Mapping[str, Any]) -> Found:
    """How much of what was asked is spoken of."""
    wanted = stems(asked)
    share = len(wanted & stems(" ".join(texts_of(found)))) / len(wanted) if wanted else 1.0
    problem = [f"it hardly speaks of what was asked ({share:.0%} of its words)"] if share < ENOUGH_SAID / 2 else []
    return min(1.0, share / ENOUGH_SAID), problem


def stems(text: str) -> set[str]:
    """The beginnings of the words that carry meaning; of a script without blanks, every two letters that follow each other."""
    plain = [label_variant(word) for word in words(UNSPACED.sub(" ", text))]
    pairs = {run[at : at + 2] for run in UNSPACED.findall(text) for at in range(len(run) - 1)}
    return pairs | {
        word[:STEM] for word in plain if len(word) > 3 and word not in FUNCTION_WORDS and not word.isdigit()
    }


def says_new(found: dict[str, Any], _asked: str, _schema: Mapping[str, Any]) -> Found:
    """How little an answer repeats itself: equal texts, and three words in a row."""
    prose = [text for text in texts_of(found) if len(text) >= PROSE]
    if not prose:
        return 0.0, ["it says nothing"]
    keys = Counter(map(message_key, prose))
    rows = [three for text in prose for three in zip(*(words(text)[at:] for at in range(3)), strict=False)]
    once = len(set(rows)) / len(rows) if rows else 1.0
    problems = [f"this is said {count} times: {text[:80]}" for text, count in keys.items() if count > 1]
    return (len(keys) / len(prose)) * min(1.0, once / ENOUGH_NEW), problems


def is_plain(found: dict[str, Any], _asked: str, _schema: Mapping[str, Any]) -> Found:
    """Share of the texts that say something, without placeholders and markup."""
    prose = [text for text in texts_of(found) if len(text) >= PROSE]
    marked = [text for text in prose if MARKUP.search(text)]
    share = 1 - len(marked) / len(prose) if prose else 0.0
    return share, [f"a placeholder or markup, nothing is said: {text[:80]}" for text in marked]


def is_code(found: dict[str, Any], _asked: str, _schema: Mapping[str, Any]) -> Found:
    """Share of the files that are Python."""
    files = found.get("files")
    rows = [file for file in files if isinstance(file, dict)] if isinstance(files, list) else []
    paths = Counter(str(file.get("path")).strip() for file in rows)
    broken = [f"{path}: there are {count} files of this name" for path, count in paths.items() if count > 1]
    for file in rows:
        try:
            empty = not ast.parse(str(file.get("content", ""))).body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as exc:
            broken.append(f"{file.get('path')}: {exc}")
        else:
            broken += [f"{file.get('path')}: there is no statement in it"] if empty else []
    return (max(0.0, 1 - len(broken) / len(rows)) if rows else 0.0), broken


CHECKS = {
    "ids": ids_once, "references": references_hold, "covers": covers_all, "about": takes_up, "new": says_new, PLAIN: is_plain, "code": is_code,
}  # fmt: skip
