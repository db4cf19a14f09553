"""Slots: what was asked for by name, and where in the text it stands."""

import json
from collections import Counter
from typing import Any

from afina.chat.parse import read_json
from afina.evaluate.metrics.text import harmonic
from afina.records import EvalItem
from afina.sameness import answer_key, same_json


def slot_exact(item: EvalItem, reply: str) -> float:
    """1 when every slot of the reference has its value in the reply and there is no other; values as `exact` compares texts.

    A reply that is no JSON object is never right, not even where no slot is expected.
    """
    return float(isinstance(read_json(reply), dict) and slots(reply) == slots(item.expected))


def fields(item: EvalItem, reply: str) -> float:
    """1 when reply and reference are equal as JSON: of a classification, all fields right."""
    found = read_json(reply)
    return float(found is not None and same_json(found, read_json(item.expected)))


def slot_f1(item: EvalItem, reply: str) -> float:
    """F1 over (name, value) pairs. Two empty sets agree."""
    ours, theirs = Counter(slots(reply)), Counter(slots(item.expected))
    if not ours and not theirs:
        return float(isinstance(read_json(reply), dict))
    return harmonic((ours & theirs).total(), ours.total(), theirs.total())


def slots(text: str) -> list[tuple[str, str]]:
    """Sorted (name, value) of a JSON object; lists give one each. Not an object: none."""
    found = read_json(text)
    if not isinstance(found, dict):
        return []
    return sorted((str(name), value_key(v)) for name, value in found.items() for v in listed(value))


def value_key(value: Any) -> str:
    """Equal for the same value: texts as answers, `5` and `"5"` alike, 1 and 1.0 alike; nothing else."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return answer_key(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True))


def listed(value: Any) -> list[Any]:
    """A value as a list; nothing for nothing."""
    if value in (None, "", []):
        return []
    return value if isinstance(value, list) else [value]


def span_f1(item: EvalItem, reply: str) -> float:
    """F1 over exact spans `[{"start", "end", "label"}, …]` in characters (CoNLL-2003's measure)."""
    ours, theirs = Counter(spans(reply)), Counter(spans(item.expected))
    if not ours and not theirs:
        return float(isinstance(read_json(reply), list))
    return harmonic((ours & theirs).total(), ours.total(), theirs.total())


def spans(text: str) -> list[tuple[int, int, str]]:
    """The spans of a JSON list; what is no span is passed over."""
    found = read_json(text)
    if not isinstance(found, list):
        return []
    return [
        (one["start"], one["end"], str(one.get("label", "")))
        for one in found
        if isinstance(one, dict) and isinstance(one.get("start"), int) and isinstance(one.get("end"), int)
    ]
