"""What a canary's traffic says, at any moment: is it harmful, is it proven harmless, or can it not be told yet.

Rolled back: the bet against "no worse" has reached K/alpha on one of K guardrails. Each is a test by itself, of its own events, so that their number
is all that counts (Bonferroni): a user's draw is known from their first request when their feedback comes, and a mean of the bets, which would need
less, is no bet over all events together (Choe & Ramdas 2024). Alpha is spent once: an equal version is rolled back with a probability of at most
alpha.
Proven: on every guardrail the bet against "worse than the margin" has reached 1/alpha. All must, so each has alpha (Berger 1982): a version that is
worse than the margin on any of them is promoted with a probability of at most alpha. Signals share an alpha of their own and decide nothing: they
stop the ramp.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from afina.release.betting import MOST, Effects, above, below, interval
from afina.release.draws import Seen, counted
from afina.release.measures import MEASURES, QUALITY, Sample, sample
from afina.settings import ReleaseSettings

DRAWS = "draws"
"""The name under which every answered request is seen, whatever is known of it: whom the draw fell on."""
UNHEALTHY = 1000.0
"""Odds against the draw that make it a broken one."""
LEANING = 0.25
"""Of what a roll-back needs: from here on the ramp waits."""
POWER = 1.5
"""Log wealth that a bet of unknown size loses against the best one: with it the users are counted that a proof still needs."""
Events = Mapping[str, Seen]
Role = Literal["guardrail", "signal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One measure. Means and the interval of their difference are harm: larger is worse. `harm` and `proof` are wealth: of the former the number of
    guardrails over alpha decides, of the latter 1/alpha.
    """

    measure: str
    role: Role
    margin: float
    canary_users: int
    production_users: int
    canary: float
    production: float
    low: float
    high: float
    harm: float
    worse: bool
    proof: float
    needed: int
    """Users that a proof still needs if the two are equal; 0 = proven."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Everything that the traffic says. `harmful_at`, `proven_at`: number of the event that showed it; None = not yet."""

    canary_users: int
    production_users: int
    harmful_at: int | None
    worst: str
    """The guardrail that says it loudest."""
    leaning: bool
    proven_at: int | None
    unproven: tuple[str, ...]
    silent: tuple[str, ...]
    """Guardrails of which nothing was seen."""
    signals: tuple[str, ...]
    """Signals that are worse."""
    mismatch: float
    """Odds against the draw: how many of all users met the canary."""
    readings: tuple[Reading, ...] = ()


def look(events: Events, rules: ReleaseSettings, *, intervals: bool = True) -> Look:
    """Read the events as if they had been looked at one by one. `intervals`: with every measure's figures."""
    taken = {name: sample(name, events[name], margin) for name, margin in margins(rules).items() if name in events}
    taken = {name: one for name, one in taken.items() if one.x.size}
    guarded = {name: one for name, one in taken.items() if name in rules.guardrails}
    harm = {name: above(one.harm) for name, one in taken.items()}
    proof = {name: below(one.proof, one.bound) for name, one in taken.items()}
    worse = {name: log_enough(name, rules) for name in taken}
    harmful = {name: at for name, one in guarded.items() if (at := first(one, harm[name], worse[name])) is not None}
    proven = {name: first(one, proof[name], np.log(1 / rules.alpha)) for name, one in guarded.items()}
    unproven = tuple(name for name, at in proven.items() if at is None)
    wanted = QUALITY & rules.guardrails.keys()
    known = not wanted or wanted & guarded.keys()
    canary, production, mismatch = draws_of(events.get(DRAWS))
    return Look(
        canary_users=canary,
        production_users=production,
        harmful_at=min(harmful.values(), default=None),
        worst=max(guarded, key=lambda name: float(harm[name].max()), default=""),
        leaning=any(harm[name][-1] >= worse[name] + np.log(LEANING) for name in guarded),
        proven_at=max((at for at in proven.values() if at is not None), default=None)
        if known and not unproven
        else None,
        unproven=unproven,
        silent=tuple(name for name in rules.guardrails if name not in guarded),
        signals=tuple(name for name in taken if name not in rules.guardrails and harm[name].max() >= worse[name]),
        mismatch=mismatch,
        readings=tuple(
            reading(name, one, rules, (float(harm[name].max()), float(proof[name].max())))
            for name, one in taken.items()
        )
        if intervals
        else (),
    )


def margins(rules: ReleaseSettings) -> dict[str, float]:
    """Of every measure, guardrails first; what is both is a guardrail."""
    signals = {name: margin for name, margin in rules.signals.items() if name not in rules.guardrails}
    return dict([*rules.guardrails.items(), *signals.items()])


def log_enough(name: str, rules: ReleaseSettings) -> float:
    """Log wealth at which a measure is worse: its share of the alpha of its kind."""
    among = rules.guardrails if name in rules.guardrails else rules.signals
    return float(np.log(len(among) / rules.alpha))


def first(taken: Sample, path: np.ndarray, enough: float) -> int | None:
    """Number of the event at which the wealth reached so much."""
    places = np.flatnonzero(path >= enough)
    return int(taken.at[places[0]]) if places.size else None


def draws_of(seen: Seen | None) -> tuple[int, int, float]:
    """Users on either side, and the odds against so many of them having been drawn to the canary."""
    if seen is None or not seen.at.size:
        return 0, 0, 1.0
    rows, chance = counted(seen)
    canary = seen.canary[rows].astype(np.float64)
    draw = Effects(value=canary - chance, low=-chance, high=1 - chance, weight=np.ones(len(chance)))
    wealth = [float(path.max()) if path.size else 0.0 for path in (above(draw), below(draw))]
    users = len(np.unique(seen.user[seen.canary]))
    return users, len(np.unique(seen.user)) - users, float(np.exp(np.minimum(wealth, 700.0)).mean())


def reading(name: str, one: Sample, rules: ReleaseSettings, wealth: tuple[float, float]) -> Reading:
    """A measure's figures now; `wealth`: logs of the largest of either bet."""
    low, high = interval(one.harm, rules.alpha)
    harm, proof = wealth
    return Reading(
        measure=name,
        role="guardrail" if name in rules.guardrails else "signal",
        margin=margins(rules)[name],
        canary_users=int(one.canary.sum()),
        production_users=int((~one.canary).sum()),
        canary=mean(one.x[one.canary]),
        production=mean(one.x[~one.canary]),
        low=low,
        high=high,
        harm=float(np.exp(min(700.0, harm))),
        worse=harm >= log_enough(name, rules),
        proof=float(np.exp(min(700.0, proof))),
        needed=0 if proof >= np.log(1 / rules.alpha) else still_needed(one, rules.alpha),
    )


def still_needed(one: Sample, alpha: float) -> int:
    """How many more users a proof takes if the two versions are equal.

    Each adds the squared margin over twice the variance to the log of the wealth, and no more than the largest bet that may be lost: of rare errors
    that is what counts.
    """
    distance = one.bound if one.bound else MEASURES["latency"].expected
    spread = max(float(one.proof.value.var()), distance**2)
    largest = float(np.log1p(MOST * distance / (float(one.proof.high[-1]) - distance)))
    total = (np.log(1 / alpha) + POWER) / min(distance**2 / (2 * spread), largest)
    return max(1, int(total) - len(one.x))


def mean(values: np.ndarray) -> float:
    """NaN of nothing would stand in JSON."""
    return float(values.mean()) if values.size else 0.0
