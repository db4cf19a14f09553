"""The kind's rules, one after the other, then duplicates and age."""

from collections.abc import Sequence

from afina.records import Curated, Example, Exchange, Rejection
from afina.tasks import Rule, Task


def curate(exchanges: Sequence[Exchange], task: Task, *, more: Sequence[Rule] = ()) -> Curated:
    """Make examples and judge them, the newest exchange first; later exchanges are newer.

    Of equal messages the newest is kept, because it holds the latest decision. `more` are rules of the caller's, after the
    kind's own.
    """
    kept: list[Example] = []
    rejections: list[Rejection] = []
    answers: dict[str, str] = {}
    rules = (*task.kind.rules, *more)
    for exchange in reversed(exchanges):
        for example in reversed(list(task.kind.examples(task, exchange))):
            key = task.kind.key(example)
            reason = broken_rule(example, task, rules) or older_reason(example, answers.get(key))
            if reason:
                rejections.append(Rejection(example=example, reason=reason))
                continue
            answers[key] = example.answer
            kept.append(example)
    newest = task.curate.newest or len(kept)
    too_old = f"older than the newest {newest}"
    rejections += [Rejection(example=example, reason=too_old) for example in kept[newest:]]
    return Curated(tuple(reversed(kept[:newest])), tuple(reversed(rejections)))


def broken_rule(example: Example, task: Task, rules: Sequence[Rule]) -> str:
    """The first rule's reason; empty if none has one."""
    return next((reason for rule in rules if (reason := rule(example, task))), "")


def older_reason(example: Example, newer: str | None) -> str:
    """Why an example goes because of a newer one of the same message; empty where there is none."""
    if newer is None:
        return ""
    same = newer == example.answer
    return "exact duplicate of a newer message" if same else "contradicted by a newer decision on the same message"
