"""Names → metrics; `module:function` → a user's own; outputs → scores, item by item."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from afina.chat.parse import read_json
from afina.errors import InputError
from afina.evaluate.metrics import conduct, slots, structure, text
from afina.files.own_code import import_own
from afina.records import EvalItem, Output

Scorer = Callable[[EvalItem, str], float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """`needs`: what an item must bring to be judged: `expected`, `context`, `rules`, or `rules.NAME`.

    `decides`: it may promote; others are only shown. `own`: a user's, which says None of an item that it cannot judge.
    """

    name: str
    score: Scorer
    needs: str = ""
    decides: bool = True
    own: bool = False

    def applies(self, item: EvalItem) -> bool:
        """Whether the item can be judged, by the item alone: never by the reply, or an arm could choose its items."""
        if self.needs.startswith("rules."):
            return self.needs.removeprefix("rules.") in item.rules
        needed = getattr(item, self.needs) if self.needs else True
        return bool(needed.strip() if isinstance(needed, str) else needed)


BY_NEED: dict[str, dict[str, Scorer]] = {
    "expected": {
        "exact": text.exact, "token_f1": text.token_f1, "rouge_l": text.rouge_l, "chrf": text.chrf, "chrf_words": text.chrf_words,
        "length_ratio": text.length_ratio, "fields": slots.fields, "slot_exact": slots.slot_exact, "slot_f1": slots.slot_f1,
        "span_f1": slots.span_f1,
    },
    "context": {"grounded": text.grounded},
    "rules": {"rules": conduct.rules},
    "rules.matches": {"regex": conduct.regex},
    "rules.schema": {
        "schema_valid": structure.schema_valid, "completeness": structure.completeness, "role_score": structure.role_score,
        "usable": structure.usable,
    },
    "": {
        "json_valid": structure.json_valid, "yaml_valid": structure.yaml_valid, "clean": conduct.clean, "refusal": conduct.refusal,
        "answered": conduct.answered, "ba_requirements_metric": structure.ba_requirements_metric,
    },
}  # fmt: skip
FORMS: dict[str, tuple[type, ...]] = {
    "span_f1": (list,),
    "slot_exact": (dict,),
    "slot_f1": (dict,),
    "fields": (dict, list),
}
"""What `expected` must be as JSON: of prose these measures would say 0 to everybody."""
ONLY_SHOWN = frozenset({"length_ratio", "refusal", "answered"})
"""Rates to look at, and what does not agree with people (`python -m bench.metrics_people`)."""
METRICS = {
    name: Metric(name=name, score=score, needs=needs, decides=name not in ONLY_SHOWN)
    for needs, found in BY_NEED.items()
    for name, score in found.items()
}
"""What there is. `refusal` is a rate to look at; of all others more is better."""


def load_metric(name: str) -> Metric:
    """A metric of ours by name, or `module:function` (also `folder/file.py:function`): `f(item, reply) -> float`, more is better.

    `item` is a mapping with `id`, `turns`, `expected`, `context`, `rules` and more. `True` and `False` count as 1 and 0; None says
    that the item cannot be judged, which must not depend on the reply.

    Raises:
        InputError: there is none of that name, the module cannot be imported, or it has no such function.
    """
    if name in METRICS:
        return METRICS[name]
    module, colon, function = name.rpartition(":")
    if not colon:
        raise InputError(
            f"no metric {name!r}", remedy=f"there are {', '.join(METRICS)}; or your own as module:function"
        )
    try:
        found = getattr(import_own(module), function)
    except InputError:
        raise
    except Exception as exc:
        raise InputError(f"the metric {name!r} cannot be loaded: {type(exc).__name__}: {exc}") from exc
    if not callable(found):
        raise InputError(f"the metric {name!r} is not a function")
    return Metric(
        name=f"{Path(module).stem if module.endswith('.py') else module}:{function}",
        score=lambda item, reply: found(asdict(item), reply),
        own=True,
    )


def score_outputs(metric: Metric, items: Sequence[EvalItem], outputs: Sequence[Output]) -> dict[str, float]:
    """Item id → score of every item that the metric can judge. An answer that failed has 0.

    Raises:
        InputError: a metric raised, or gave no finite number, or does not fit the items; names the item.
    """
    require_form(metric, items)
    found = {}
    for item, output in zip(items, outputs, strict=True):
        if not metric.applies(item):
            continue
        value = one_score(metric, item, output.text) if not output.error else 0.0 if judges(metric, item) else None
        if value is not None:
            found[item.id] = value
    return found


def judges(metric: Metric, item: EvalItem) -> bool:
    """Whether a metric judges an item that got no answer: a user's is asked with an empty one, and may stumble over it."""
    try:
        return not metric.own or metric.score(item, "") is not None
    except Exception:
        return True


def require_form(metric: Metric, items: Sequence[EvalItem]) -> None:
    """Refuse items that the metric does not fit.

    Raises:
        InputError: the `expected` of one is of another form.
    """
    form = FORMS.get(metric.name)
    if form is None:
        return
    for item in items:
        if not metric.applies(item) or isinstance(read_json(item.expected), form):
            continue
        wanted = "list" if form == (list,) else "object"
        raise InputError(
            f"item {item.id!r}: {metric.name} needs an `expected` that is a JSON {wanted}, not {item.expected[:60]!r}",
            remedy="for texts there are exact, chrf, rouge_l and token_f1",
        )


def one_score(metric: Metric, item: EvalItem, reply: str) -> float | None:
    """One item's score; None of a user's metric that does not judge the item."""
    try:
        found = metric.score(item, reply)
        value = None if found is None else float(found)
    except Exception as exc:
        raise InputError(f"the metric {metric.name} failed on item {item.id!r}: {type(exc).__name__}: {exc}") from exc
    if value is not None and not math.isfinite(value):
        raise InputError(f"the metric {metric.name} gave {value} on item {item.id!r}")
    return value
