"""What a canary is measured by: every event's value as harm between 0 and 1, and the two questions that are asked of it.

A rate's margin is a difference: 0.05 = five points more. A ratio's margin is a factor: 1.5 = half as much again. An answer counts as slow where it
took longer than 95 of 100 answers of production; the canary is not worse than the margin if no more of its answers take longer than that times the
factor.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from afina.release.betting import Effects, Numbers, effects
from afina.release.draws import Seen, counted

TAIL = 0.95
LEAST = 20
"""Answers of production before anything is called slow."""
WEIGHT = 2.0
"""Users for which what is expected beforehand counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """`rate`: values are harm already; `tail`: a share of values that are too large; `mean`: values in a unit of their own. `expected`: harm before
    anything was seen.
    """

    form: Literal["rate", "tail", "mean"]
    expected: float
    about: str
    """What a harmed user is, to be read after a share."""


MEASURES = {
    "errors": Measure(form="rate", expected=0.01, about="got an error"),
    "latency": Measure(form="tail", expected=0.05, about="waited too long"),
    "feedback": Measure(form="rate", expected=0.2, about="corrected or disliked the answer"),
    "implicit": Measure(form="rate", expected=0.3, about="showed that the answer was no good"),
    "csat": Measure(form="rate", expected=0.3, about="were not satisfied (1 to 5)"),
    "recontact": Measure(form="rate", expected=0.2, about="had to come back within a day"),
    "cost": Measure(form="mean", expected=0.3, about="of the largest usual cost"),
}  # fmt: skip
"""By the name that the settings use."""
QUALITY = frozenset({"feedback", "implicit", "csat"})
"""Of these one at least must be measured before a canary is promoted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One measure of the users who count, in order of arrival. `harm`: is the canary worse at all? `proof`: is it worse than `bound`?"""

    at: NDArray[np.int64]
    canary: NDArray[np.bool_]
    x: Numbers
    harm: Effects
    proof: Effects
    bound: float


def sample(name: str, seen: Seen, margin: float) -> Sample:
    """What was seen of a measure, ready to be bet on."""
    measure = MEASURES[name]
    rows, chance = counted(seen)
    canary, value = seen.canary[rows], seen.value[rows].astype(np.float64)
    if measure.form == "rate":
        x = proof = np.clip(value, 0.0, 1.0)
        bound = margin
    else:
        usual = usual_before(value, ~canary)
        known = ~np.isnan(usual)
        rows, chance, canary, value, usual = rows[known], chance[known], canary[known], value[known], usual[known]
        eased = np.where(canary, value / margin, value)
        x, proof = (harm_of(measure, part, usual) for part in (value, eased))
        bound = 0.0
    return Sample(
        at=seen.at[rows],
        canary=canary,
        x=x,
        harm=effects(x, expected_before(x, measure.expected), chance, canary),
        proof=effects(proof, expected_before(proof, measure.expected), chance, canary),
        bound=bound,
    )


def harm_of(measure: Measure, value: Numbers, usual: Numbers) -> Numbers:
    """Too large a value, or how large it is of twice the usual."""
    if measure.form == "tail":
        return (value > usual).astype(np.float64)
    return np.clip(value / np.maximum(2 * usual, 1e-12), 0.0, 1.0)


def usual_before(value: Numbers, production: NDArray[np.bool_]) -> Numbers:
    """Before each row what 95 of 100 of production's values are not above, learnt anew whenever they have doubled; NaN before there are enough."""
    usual = np.full(len(value), np.nan)
    place = np.flatnonzero(production)
    count = LEAST
    while count <= len(place):
        usual[place[count - 1] + 1 :] = np.quantile(value[place[:count]], TAIL)
        count *= 2
    return usual


def expected_before(x: Numbers, prior: float) -> Numbers:
    """Before each row the mean of those before it."""
    total = np.concatenate([[0.0], np.cumsum(x)[:-1]])[: len(x)]
    return np.asarray((prior * WEIGHT + total) / (WEIGHT + np.arange(len(x))), dtype=np.float64)
