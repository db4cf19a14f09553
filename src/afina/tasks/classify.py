"""Classification: one message, labels by field, written as one JSON object."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from afina.chat import COMPACT
from afina.errors import NotEnoughDataError
from afina.files import SourceRow, cell_text, require_columns
from afina.files.damage import damage
from afina.ids import example_id
from afina.records import Example, Exchange, Fields, Split, Turn
from afina.sameness import composed, label, message_key
from afina.tasks.class_names import class_name_notices
from afina.tasks.kind import Kind, Parts, Said, Task
from afina.tasks.rules import too_long, too_short
from afina.tasks.wording import wording


def read_labels(answer: str) -> Fields:
    """The labels of an answer; {} when it is no object of texts and numbers."""
    try:
        found: Any = json.loads(answer)
    except (ValueError, RecursionError):  # no JSON, or a number of thousands of digits
        return {}
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}


def write_labels(labels: Fields, fields: Sequence[str]) -> str:
    """The one canonical form of an answer, which training teaches and the schema enforces."""
    return json.dumps({name: labels.get(name, "") for name in fields}, ensure_ascii=False)


def damaged_message(example: Example, _task: Task) -> str:
    """The message was read in a wrong encoding."""
    return damage(example.message)


def no_label(example: Example, _task: Task) -> str:
    """A field has no label."""
    missing = [name for name, value in read_labels(example.answer).items() if not label(value)]
    return f"no label for {', '.join(missing)}" if missing else ""


def damaged_label(example: Example, _task: Task) -> str:
    """A label was read in a wrong encoding."""
    labels = read_labels(example.answer).items()
    return next((f"{name}: {found}" for name, value in labels if (found := damage(value))), "")


class Classify(Kind):
    """Labels by field."""

    name = "classify"
    rules = (too_short, too_long, damaged_message, no_label, damaged_label)
    metrics = ("fields",)
    baselines = ("majority", "tfidf_logreg")

    def said(self, task: Task, path: Path, row: SourceRow) -> Iterable[Said]:
        """A column with the message, one a field with the right label, optionally `predicted_FIELD`."""
        fields = task.settings.fields
        columns = {name: [name] if name in row.values else name.split("+") for name in fields}
        require_columns(path, [row], [task.settings.text, *(one for own in columns.values() for one in own)])
        decided = {
            name: label(".".join(cell_text(path, row, column) for column in own)) for name, own in columns.items()
        }
        predicted = {name: label(str(row.values.get(f"predicted_{name}") or "")) for name in fields}
        yield Said(
            turns=(Turn("user", cell_text(path, row, task.settings.text)),),
            answer=write_labels(predicted, fields) if any(predicted.values()) else "",
            decision=decided,
        )

    def examples(self, task: Task, exchange: Exchange) -> Iterable[Example]:
        """A decision on some fields leaves the others as they were answered."""
        if exchange.kind is None:
            return
        fields = task.settings.fields
        labels = {**read_labels(exchange.answer), **exchange.value}
        target = {name: label(labels.get(name, "")) for name in fields}
        yield Example(
            id=example_id(exchange.id),
            turns=(Turn("user", composed(exchange.message.strip())),),
            answer=write_labels(target, fields),
            group=exchange.group,
            stratum="\x1f".join(target.values()),
            source=exchange.id,
            facts=exchange.facts,
        )

    def decided(self, task: Task) -> tuple[str, ...]:
        """The fields."""
        return task.settings.fields

    def predicted(self, task: Task, answer: str) -> Fields:
        """The labels of an answer, as far as it has them."""
        found = read_labels(answer)
        return {name: found.get(name, "") for name in task.settings.fields}

    def key(self, example: Example) -> str:
        """Case, white space and the kind of quotes make no new message."""
        return message_key(example.message)

    def prompt(self, task: Task) -> str:
        """It names the fields only: labels are learnt, and the schema allows no others."""
        own = wording(task.settings.language, "classify", fields=", ".join(task.settings.fields))
        return task.settings.prompt or own

    def instructions(self, task: Task, schema: dict[str, Any] | None) -> str:
        """What to do, and every label of every field with what it means, as far as that is known."""
        told = task.settings.instructions or wording(
            task.settings.language, "classify_long", fields=", ".join(task.settings.fields)
        )
        lines = [told]
        for name, one in (schema or {}).get("properties", {}).items():
            meanings = task.settings.labels.get(name, {})
            lines += ["", wording(task.settings.language, "one_of", field=name)]
            lines += [f"- {label_}" + (f": {meanings[label_]}" if label_ in meanings else "") for label_ in one["enum"]]
        return "\n".join(lines)

    def answer_schema(self, task: Task, train: Sequence[Example]) -> dict[str, Any]:
        """The labels of the training part, and no others: the schema must not know what only the held-out part shows."""
        labels = [read_labels(example.answer) for example in train]
        return schema_of({name: {one[name] for one in labels} for name in task.settings.fields})

    def declared_schema(self, task: Task) -> dict[str, Any] | None:
        """The labels that the settings explain, where they do so for every field."""
        labels = {name: task.settings.labels.get(name, {}) for name in task.settings.fields}
        return schema_of(labels) if all(labels.values()) else None

    def require_learnable(self, task: Task, examples: Sequence[Example], train: Sequence[Example]) -> None:
        """A field with one class has nothing to tell apart."""
        for rows, where, remedy in (
            (examples, "every example has", "review messages of other classes, or leave {name} out"),
            (
                train,
                "every example of the training part has",
                "review more messages of the other classes, from several users",
            ),
        ):
            for name in task.settings.fields:
                found = sorted({read_labels(example.answer).get(name, "") for example in rows})
                if len(found) < 2:
                    raise NotEnoughDataError(
                        f"{where} the same {name} ({', '.join(map(repr, found)) or 'none'}): there is nothing to tell apart",
                        remedy=remedy.format(name=name),
                    )

    def columns(self, task: Task, answer: str) -> Fields:
        """A label a field."""
        return self.predicted(task, answer)

    def joined(self, task: Task, columns: Fields) -> str:
        """The labels as an answer."""
        return write_labels(columns, task.settings.fields)

    def card(self, task: Task, parts: Parts) -> dict[str, Any]:
        """How often each label is in each part, and the labels that the training part lacks."""
        labels = {split: [read_labels(example.answer) for example in rows] for split, rows in parts.items()}
        fields = task.settings.fields
        return {
            "fields": list(fields),
            "labels": {
                name: {split.value: dict(Counter(one[name] for one in rows)) for split, rows in labels.items()}
                for name in fields
            },
            "labels_not_in_training": {name: unlearnt(labels, name) for name in fields},
        }

    def notices(self, rows: Iterable[tuple[int, Fields]]) -> list[str]:
        """Classes that may be meant as one."""
        return class_name_notices(rows)


def unlearnt(labels: Mapping[Split, Sequence[Fields]], name: str) -> dict[str, dict[str, int]]:
    """Class → rows of each other part, of the classes that the training part lacks: no model trained on it can say them."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    known = {one[name] for one in labels[Split.TRAIN]}
    for split in (Split.VALIDATION, Split.TEST):
        for one in labels[split]:
            if one[name] not in known:
                counts[one[name]][split.value] += 1
    return {
        missing: {split.value: counts[missing][split.value] for split in (Split.VALIDATION, Split.TEST)}
        for missing in sorted(counts)
    }


def schema_of(labels: Mapping[str, Iterable[str]]) -> dict[str, Any]:
    """Field → its labels, as the schema of an answer."""
    return {
        "type": "object",
        "properties": {name: {"type": "string", "enum": sorted(found)} for name, found in labels.items()},
        "required": list(labels),
        "additionalProperties": False,
        "x-guidance": COMPACT,
    }
