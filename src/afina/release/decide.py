"""What a canary's traffic says, and how long it has been so → promote, roll back, go one step up, or wait: with the status and the sentence."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from afina.records import CanaryStatus as S
from afina.release.canary import UNHEALTHY, Look, Reading
from afina.release.measures import MEASURES
from afina.settings import FACTORS, ReleaseSettings

Action = Literal["promote", "roll_back", "step", "wait"]
MISSED, FEWEST = 0.2, 20
"""Part of the canary's answers that others gave in its place, and of how many: then it is not well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Since when, and how far."""

    now: datetime
    started: datetime
    stepped: datetime
    last_met: datetime | None
    """When a user met the canary last."""
    share: float
    answered: int = 0
    """Requests of the last day that were drawn to the canary."""
    missed: int = 0
    """Those that somebody else answered without it having been asked: it was not there."""

    def hours(self, since: datetime) -> float:
        """Never negative: clocks are set back."""
        return max(0.0, (self.now - since).total_seconds() / 3600)


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryDecision:
    """What to do, how the canary stands, and why. `share`: after the step."""

    action: Action
    status: S
    because: str
    share: float = 0.0


def decide_canary(found: Look, moment: Moment, rules: ReleaseSettings) -> CanaryDecision:
    """The first rule of `RULES` that has something to say."""
    said = (rule(found, moment, rules) for rule in RULES)
    waits = CanaryDecision(action="wait", status=S.RUNNING, because=f"{met(found)}; {missing(found)}")
    return next((one for one in said if one is not None), waits)


def harmful(found: Look, _: Moment, __: ReleaseSettings) -> CanaryDecision | None:
    """A guardrail is worse. It goes also where everything was proven before, as long as it is a canary."""
    if found.harmful_at is None:
        return None
    return CanaryDecision(action="roll_back", status=S.FAILING, because=harm_sentence(found))


def broken_draw(found: Look, _: Moment, __: ReleaseSettings) -> CanaryDecision | None:
    """Others met it than were drawn: what is counted cannot be trusted."""
    if found.mismatch < UNHEALTHY:
        return None
    total = found.canary_users + found.production_users
    why = (
        f"{found.canary_users:,} of {total:,} users met it, which is not the share that was drawn: "
        "is the user sent with every request, and always the same?"
    )
    return CanaryDecision(action="wait", status=S.UNHEALTHY, because=why)


def absent(_: Look, moment: Moment, __: ReleaseSettings) -> CanaryDecision | None:
    """Its worker or its file is gone."""
    if moment.answered < FEWEST or moment.missed <= MISSED * moment.answered:
        return None
    why = f"it is not there: {moment.missed:,} of its {moment.answered:,} requests were answered by others; see the gateway's log"
    return CanaryDecision(action="wait", status=S.UNHEALTHY, because=why)


def worse_signal(found: Look, _: Moment, __: ReleaseSettings) -> CanaryDecision | None:
    """A person decides."""
    if not found.signals:
        return None
    why = f"worse on {' and '.join(found.signals)}, which decides nothing by itself: `afina release --promote` or `afina rollback`"
    return CanaryDecision(action="wait", status=S.PAUSED, because=why)


def proven(found: Look, _: Moment, rules: ReleaseSettings) -> CanaryDecision | None:
    """It may be promoted."""
    if found.proven_at is None or found.canary_users < rules.min_users:
        return None
    known = ", ".join(name for name in rules.guardrails if name not in found.silent)
    why = f"{met(found)}; surely not worse than the margins on {known}"
    return CanaryDecision(action="promote" if rules.promote == "auto" else "wait", status=S.READY, because=why)


def over(found: Look, moment: Moment, rules: ReleaseSettings) -> CanaryDecision | None:
    """Its time is over, and it may not be promoted."""
    if moment.hours(moment.started) < rules.max_days * 24:
        return None
    why = next((one.because for rule in (broken_draw, absent, worse_signal) if (one := rule(found, moment, rules))), "")
    if not why and proven(found, moment, rules):
        return None
    ends = rules.at_the_end == "roll_back"
    said = f"not proven within {rules.max_days:g} days: {why or missing(found)}"
    return CanaryDecision(action="roll_back" if ends else "wait", status=S.REVERTED if ends else S.STUCK, because=said)


def stuck(_: Look, moment: Moment, rules: ReleaseSettings) -> CanaryDecision | None:
    """Nobody comes."""
    since = moment.last_met or moment.started
    if moment.hours(since) < rules.stuck_hours:
        return None
    why = f"nobody has met it since {since:%Y-%m-%d %H:%M}: is there traffic, and does it say who the user is?"
    return CanaryDecision(action="wait", status=S.STUCK, because=why)


def leaning(found: Look, moment: Moment, _: ReleaseSettings) -> CanaryDecision | None:
    """More users would not be fair now."""
    if not found.leaning:
        return None
    why = f"{met(found)}; {found.worst} leans to worse: the ramp waits at {moment.share:.0%}"
    return CanaryDecision(action="wait", status=S.PAUSED, because=why)


def next_step(found: Look, moment: Moment, rules: ReleaseSettings) -> CanaryDecision | None:
    """Time for more users."""
    later = [share for share in rules.ramp if share > moment.share]
    if not later or moment.last_met is None or moment.hours(moment.stepped) < rules.step_hours:
        return None
    why = f"{met(found)} and nothing is worse: from {moment.share:.0%} to {later[0]:.0%} of the users"
    return CanaryDecision(action="step", status=S.RUNNING, because=why, share=later[0])


RULES = (harmful, over, broken_draw, absent, worse_signal, proven, stuck, leaning, next_step)
"""In order."""


def met(found: Look) -> str:
    """How many users there were."""
    return f"{found.canary_users:,} users met it"


def missing(found: Look) -> str:
    """What a promotion still lacks."""
    if found.unproven:
        needed = {one.measure: one.needed for one in found.readings}
        lacks = [f"{name} (some {needed[name]:,} more users)" if name in needed else name for name in found.unproven]
        return f"not yet proven: {', '.join(lacks)}"
    if found.silent:
        return f"nothing is known of {', '.join(found.silent)}: nobody has said anything about the answers"
    return "too few users"


def harm_sentence(found: Look) -> str:
    """The guardrail that speaks loudest, with its figures."""
    one = next((one for one in found.readings if one.measure == found.worst), None)
    return f"worse on {found.worst}" if one is None else f"worse on {figures(one)}"


def figures(one: Reading) -> str:
    """A measure in words."""
    about = MEASURES[one.measure].about
    said = f"{one.measure}: {one.canary:.1%} of {one.canary_users:,} users {about}, in production {one.production:.1%} of {one.production_users:,}"
    unit = "of the usual" if one.measure == "cost" else "points"
    return f"{said} (difference {100 * one.low:+.1f} to {100 * one.high:+.1f} {unit})"


def margin_words(name: str, margin: float) -> str:
    """A margin as people say it."""
    return f"x {margin:g}" if name in FACTORS else f"{100 * margin:g} points"
