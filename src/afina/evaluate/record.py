"""One arm's answers on disk: a file that needs nothing else to be read, compared or scored again.

JSON Lines: a head (format, set, source, environment, totals), then an item with its output and scores a line. While the arm is asked its
outputs go to NAME.partial.jsonl, line by line, so that an interrupted evaluation goes on; the record itself is written whole.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from afina.errors import InputError
from afina.evaluate.sets import as_row, make_set, read_item
from afina.records import EvalRecord, EvalSet, Output
from afina.store.paths import write_whole

FORMAT, VERSION = "afina-evaluation", 1
Scores = Mapping[str, Mapping[str, float]]
"""Metric → item → score."""


def head_of(eval_set: EvalSet, arm: str, source: Mapping[str, Any]) -> dict[str, Any]:
    """What must be equal for two runs to be of the same evaluation."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "arm": arm,
        "source": dict(source),
        "set": {
            "id": eval_set.id,
            "name": eval_set.name,
            "items": len(eval_set.items),
            "answer_schema": eval_set.answer_schema,
        },
    }


def write_record(path: Path, record: EvalRecord, scores: Scores) -> None:
    """Write a complete record."""
    head = {
        **head_of(record.eval_set, record.arm, record.source),
        "environment": record.environment,
        "peak_rss_mb": record.peak_rss_mb,
        "seconds": round(record.seconds, 3),
    }
    lines = [head]
    for item, output in zip(record.eval_set.items, record.outputs, strict=True):
        own = {metric: values[item.id] for metric, values in scores.items() if item.id in values}
        lines.append({"item": as_row(item), "output": asdict(output), "scores": own})
    write_whole(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))


def read_record(path: Path) -> tuple[EvalRecord, dict[str, dict[str, float]]]:
    """A record and its scores.

    Raises:
        InputError: no such file, not a record, of another version, cut short, or its items are not those of its set.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        head, *rows = [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]
        if head.get("format") != FORMAT:
            raise InputError(f"{path}: not a record of an evaluation")
        if head["version"] != VERSION:
            raise InputError(f"{path}: version {head['version']} of the format, this program knows {VERSION}")
        # not `splitlines`: an answer may contain U+2028, which JSON leaves as it is
        if len(rows) != head["set"]["items"]:
            raise InputError(f"{path}: {len(rows)} of {head['set']['items']} items; the file was cut short")
        items = [read_item(row["item"], f"{path}, line {at}") for at, row in enumerate(rows, start=2)]
        eval_set = make_set(head["set"]["name"], items, answer_schema=head["set"]["answer_schema"])
        outputs = tuple(Output(**row["output"]) for row in rows)
        if eval_set.id != head["set"]["id"] or [o.item for o in outputs] != [i.id for i in items]:
            raise InputError(f"{path}: its items were changed after it was written")
        scores: dict[str, dict[str, float]] = {}
        for row in rows:
            for metric, value in row["scores"].items():
                scores.setdefault(metric, {})[row["item"]["id"]] = float(value)
        record = EvalRecord(
            eval_set=eval_set,
            arm=head["arm"],
            source=head["source"],
            outputs=outputs,
            environment=head["environment"],
            peak_rss_mb=head["peak_rss_mb"],
            seconds=head["seconds"],
        )
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise InputError(f"{path}: damaged ({type(exc).__name__}: {exc})") from exc
    return record, scores


def is_record(path: Path) -> bool:
    """Whether a file is a record of an evaluation, whole or not: only such may be written over."""
    try:
        with path.open(encoding="utf-8") as file:
            return bool(json.loads(file.readline()).get("format") == FORMAT)
    except (ValueError, AttributeError):
        return False


def read_partial(path: Path, head: Mapping[str, Any]) -> dict[str, Output]:
    """Outputs of an interrupted run of the same evaluation, by item; {} when there is none.

    A torn last line is passed over, and what failed is asked again.
    """
    if not path.is_file():
        return {}
    found: dict[str, Output] = {}
    for number, line in enumerate(path.read_text("utf-8", errors="replace").split("\n")):
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            break
        if number == 0:
            if row != json.loads(json.dumps(head)):
                return {}
        else:
            output = Output(**row)
            if not output.error:
                found[output.item] = output
    return found
