"""Tasks and examples for tests."""

import json
from pathlib import Path
from typing import Any

from afina.ids import example_id
from afina.records import Example, Exchange, FeedbackKind, Turn
from afina.settings import make_settings
from afina.tasks import Task, make_task


def task_of(kind: str, **sections: Any) -> Task:
    """A task by its kind; `task`, `curate` and other sections as given."""
    own = {**sections, "task": {"kind": kind, **sections.get("task", {})}}
    return make_task(make_settings(own), folder=Path())


def classifier(*fields: str, **sections: Any) -> Task:
    """A classification with these fields."""
    return task_of("classify", **{**sections, "task": {"fields": list(fields), **sections.get("task", {})}})


def reviewed(identity: str, text: str, group: str = "", **labels: str) -> Exchange:
    """A message with its right labels."""
    return Exchange(
        id=identity,
        turns=(Turn("user", text),),
        answer="",
        kind=FeedbackKind.CORRECTED,
        value=labels,
        group=group,
    )


def labelled(identity: str, text: str, group: str = "", **labels: str) -> Example:
    """A message with its labels as an example."""
    return Example(
        id=example_id(identity),
        turns=(Turn("user", text),),
        answer=json.dumps(labels, ensure_ascii=False),
        group=group or identity,
        stratum="\x1f".join(labels.values()),
        source=identity,
    )


def replied(identity: str, question: str, answer: str, group: str = "", **facts: Any) -> Example:
    """An answer in a conversation as an example."""
    return Example(
        id=example_id(identity),
        turns=(Turn("user", question),),
        answer=answer,
        group=group or identity,
        stratum=facts.get("category", ""),
        source=identity,
        facts=facts,
    )


UNLIKE_WORDS = [
    "uno",
    "dos",
    "tres",
    "cuatro",
    "cinco",
    "seis",
    "siete",
    "ocho",
    "nueve",
    "diez",
    "once",
    "doce",
    "trece",
    "catorce",
    "quince",
    "dieciséis",
]


def unlike(number: int) -> str:
    """A message that is like no other."""
    return " ".join(f"{number * 7919 + at:x}{UNLIKE_WORDS[(number + at) % 16]}" for at in range(4))
