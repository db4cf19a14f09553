"""Caveats of a verdict: arms that are better, arms that failed, items that the training knows, checks that were not run."""

import math
from collections.abc import Sequence
from statistics import fmean

from afina.records import GUARDED, Decision, EvalSet, Leak, Loss, Scored

MOST_FAILED = 0.1
"""Share of questions that may fail, by the line or the server, before a comparison says nothing."""
BY_LETTERS = frozenset({"token_f1", "rouge_l", "chrf", "chrf_words", "grounded"})
"""Measures of free text that hardly agree with people (docs/reference/metrics.md)."""
LETTERS_SENTENCE = (
    "The measure compares words and letters, which hardly agrees with people: let some look at side-by-side.html."
)


def unchecked_of(eval_set: EvalSet, decision: Decision, *, checked: bool) -> list[str]:
    """Names of the checks that were not run: guarded parts without items or whose guards cannot speak, and leaks."""
    missing = [part.value for part in GUARDED if all(item.part is not part for item in eval_set.items)]
    for part in GUARDED:
        own = [one for one in decision.comparisons if one.metric.startswith(f"{part.value}/")]
        if own and all(one.at_floor for one in own):
            missing.append(part.value)
    return [*missing, *([] if checked else ["leaks"])]


def unchecked_sentence(unchecked: Sequence[str]) -> list[str]:
    """The sentence that lists the checks that were not run."""
    named = [{"leaks": "whether the training knows the questions"}.get(one, one) for one in unchecked]
    return [f"Not checked: {', '.join(named)}."] if named else []


def failure_sentences(arms: Sequence[Scored]) -> list[str]:
    """Arms of which more than a tenth of the questions failed, with the first error."""
    return [
        f"{arm.name} failed on {len(errors)} of {len(arm.record.outputs)} questions ({errors[0][:200]}); run it again."
        for arm in arms
        if (errors := failed_on(arm))
    ]


def failed_on(arm: Scored) -> list[str]:
    """An arm's errors, where they are too many for its scores to mean anything."""
    errors = [output.error for output in arm.record.outputs if output.error]
    return errors if len(errors) > MOST_FAILED * len(arm.record.outputs) else []


def means_of(arms: Sequence[Scored], metric: str, left_out: set[str]) -> dict[str, float]:
    """Every arm's mean on a measure that it has, but of those that failed too often."""
    kept = {
        arm.name: [v for i, v in arm.scores.get(metric, {}).items() if i not in left_out]
        for arm in arms
        if not failed_on(arm)
    }
    return {name: fmean(values) for name, values in kept.items() if values}


def losses_to(
    arms: Sequence[Scored], metric: str, compared: tuple[str, str], *, left_out: set[str], blocks: bool
) -> list[Loss]:
    """Arms beside A and B whose mean on the target is above B's, the best first. B with help is no arm to lose to."""
    a, b = compared
    means = means_of(arms, metric, left_out)
    others = {arm.name for arm in arms} - {a, b} - {arm.name for arm in helped_arms(arms, b)}
    own = means.get(b, math.inf)
    better = sorted((name for name in others if means.get(name, own) > own), key=lambda name: -means[name])
    return [Loss(name=name, score=means[name], own=own, metric=metric, blocks=blocks) for name in better]


def helped_arms(arms: Sequence[Scored], b: str) -> list[Scored]:
    """B's own model, asked with examples in its prompt."""
    own = next(arm for arm in arms if arm.name == b).record.source
    return [
        arm
        for arm in arms
        if arm.name != b
        and "nearest" in arm.record.source
        and all(arm.record.source.get(key) == own.get(key) for key in ("kind", "blake2b", "url", "model"))
    ]


def help_sentences(arms: Sequence[Scored], metric: str, *, b: str, left_out: set[str]) -> list[str]:
    """B with examples in its prompt, where that is better than B alone: tuning and examples together."""
    means = means_of(arms, metric, left_out)
    own = means.get(b, math.inf)
    return [
        f"{arm.name} reaches {means[arm.name]:.4g} on {metric}, {b} alone {own:.4g}: examples in the prompt add to it."
        for arm in helped_arms(arms, b)
        if means.get(arm.name, -math.inf) > own
    ]


def loss_sentence(loss: Loss, *, b: str) -> str:
    """A loss to a cheaper or a reference arm, and what follows."""
    effect = "this blocks the release (must_beat_baselines)" if loss.blocks else "this does not block"
    return f"{loss.name} reaches {loss.score:.4g} on {loss.metric}, more than {b} with {loss.own:.4g}: {effect}."


def leak_sentences(leaks: Sequence[Leak], *, spoilt: bool) -> list[str]:
    """What the training knows, and what follows."""
    if not leaks:
        return []
    some = ", ".join(f"{leak.item} ({leak.kind})" for leak in leaks[:5]) + (" …" if len(leaks) > 5 else "")
    effect = "too few others are left: no gain can be shown" if spoilt else "they were left out"
    return [f"{len(leaks)} items are known from the training; {effect}: {some}."]
