"""Verdict → canary → production, or back. Each step is one recorded transition."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from afina.errors import ReleaseError
from afina.flows.project import Project
from afina.records import CanaryStatus, ModelVersion, Rollout, RolloutState
from afina.release.canary import Look, look
from afina.release.decide import CanaryDecision, Moment, decide_canary
from afina.release.job import (
    Reason,
    Start,
    canary_counts,
    canary_events,
    events,
    lock_task,
    must_rebuild,
    note_status,
    promote,
    roll_back,
    rollout_in,
    start,
    step,
)
from afina.store.pool import Connection

Clock = Callable[[], datetime]


def now() -> datetime:
    """What time it is."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryView:
    """A canary as it stands: what its traffic says, and what is to be done."""

    canary: Rollout
    look: Look
    moment: Moment
    decision: CanaryDecision
    news: bool = False
    """Whether something was done, or the status is another one than before."""

    def evidence(self) -> dict[str, Any]:
        """What is kept with a decision."""
        return {
            "share": self.moment.share,
            "users": {"canary": self.look.canary_users, "production": self.look.production_users},
            "silent": list(self.look.silent),
            "readings": [asdict(one) for one in self.look.readings],
        }


def release_direct(project: Project, version: ModelVersion, *, actor: str, reason: str) -> Rollout:
    """Put a version into production without a canary: the first one of a task."""
    require_current(project, version)
    with project.session() as session:
        what = Start(version=version.id, task=project.task.name, share=1.0, action="release")
        return start(session, what, Reason(actor=actor, reason=reason), client=project.client)


def require_current(project: Project, version: ModelVersion) -> None:
    """Refuse a version that learnt from what was erased since, or whose file is gone; --force does not overrule it.

    Raises:
        ReleaseError: it did, or it is.
    """
    with project.session() as session:
        reason = must_rebuild(session, version.id)
    if reason:
        raise ReleaseError(
            f"{version.name} must be rebuilt: {reason}",
            remedy="`afina curate`, `afina freeze`, `afina train` make its successor",
        )
    if not (project.paths.data / version.gguf).is_file():
        raise ReleaseError(
            f"the file of {version.name} is gone: {version.gguf}", remedy="`afina export` makes it again from its run"
        )


def start_canary(
    project: Project, version: ModelVersion, *, actor: str, force: bool = False, clock: Clock = now
) -> Rollout:
    """Start a canary with the first share of the ramp.

    Raises:
        ReleaseError: there is no go from the evaluation, another canary runs, or there is nothing to compare it with.
    """
    reason = reason_to_start(project, version, force=force)
    why = Reason(actor=actor, reason=reason, at=clock())
    return begin(project, version, project.settings.release.ramp[0], why)


def reason_to_start(project: Project, version: ModelVersion, *, force: bool = False) -> str:
    """Why a version may meet users.

    Raises:
        ReleaseError: it may not.
    """
    require_current(project, version)
    verdict = project.ledger.verdict(version.id)
    if not force and (verdict is None or not verdict.go):
        why = "was never evaluated" if verdict is None else f"got a {verdict.outcome}: {verdict.because}"
        raise ReleaseError(
            f"{version.name} {why}", remedy="`afina evaluate`, or --force to overrule, which is recorded"
        )
    return "forced without a go" if force or verdict is None else verdict.because


def begin(project: Project, version: ModelVersion, share: float, why: Reason) -> Rollout:
    """A canary of a share."""
    with project.session() as session:
        require_rival(project, version, rollout_in(session, task=project.task.name, state=RolloutState.PRODUCTION))
        what = Start(version=version.id, task=project.task.name, share=share, action="start_canary")
        return start(session, what, why, client=project.client)


def set_traffic(project: Project, version: ModelVersion, share: float, *, actor: str, reason: str) -> Rollout:
    """Put a version before a share of the users: 0 takes it back, 1 puts it into production, anything between makes it a canary, or a larger one.

    Raises:
        ReleaseError: it may not, or it is not where that could be done.
    """
    task = project.task.name
    with project.session() as session:
        canary = rollout_in(session, task=task, state=RolloutState.CANARY)
        champion = rollout_in(session, task=task, state=RolloutState.PRODUCTION)
    is_canary = canary is not None and canary.model_version == version.id
    is_champion = champion is not None and champion.model_version == version.id
    if share <= 0:
        if not is_canary and (canary is not None or not is_champion):
            raise ReleaseError(
                f"{version.name} is not the last that met users", remedy="`afina release --history` shows what is"
            )
        found = withdraw(project, actor=actor, reason=reason, production=is_champion and not is_canary)[0]
        return replace(found, state=RolloutState.ROLLED_BACK, share=0.0)
    if share >= 1 and champion is None and not is_canary:
        return release_direct(project, version, actor=actor, reason=f"{reason} ({reason_to_start(project, version)})")
    if canary is not None and is_canary:
        if share < 1:
            return widened(project, canary, share, Reason(actor=actor, reason=reason))
    else:
        canary = begin(
            project,
            version,
            min(share, 0.99),
            Reason(actor=actor, reason=f"{reason} ({reason_to_start(project, version)})"),
        )
    if share < 1:
        return canary
    return replace(promote_by_hand(project, actor=actor, reason=reason), state=RolloutState.PRODUCTION, share=1.0)


def widened(project: Project, canary: Rollout, share: float, why: Reason) -> Rollout:
    """A canary before more users.

    Raises:
        ReleaseError: fewer are not possible: who met it goes on meeting it.
    """
    if share <= canary.share:
        raise ReleaseError(
            f"the canary serves {canary.share:.1%} of the users already, and who met it goes on meeting it",
            remedy="0 takes it back",
        )
    with project.session() as session:
        if not is_still(session, canary, task=project.task.name):
            raise ReleaseError("the canary was moved by somebody else just now", remedy="`afina canary show`")
        step(session, canary, share, why)
    return replace(canary, share=share)


def require_rival(project: Project, version: ModelVersion, champion: Rollout | None) -> None:
    """A canary is compared with what the other users meet.

    Raises:
        ReleaseError: there is nothing, or it is the same version.
    """
    if champion is None and not project.settings.upstream:
        raise ReleaseError(
            f"the task {project.task.name!r} has nothing in production that a canary could be compared with",
            remedy="`afina release --direct` puts its first version into production",
        )
    if champion is not None and champion.model_version == version.id:
        raise ReleaseError(f"{version.name} is in production already")


def look_at_canary(project: Project, *, clock: Clock = now) -> CanaryView:
    """What the traffic since the canary's start says. Changes nothing.

    Raises:
        ReleaseError: there is no canary.
    """
    at = clock()
    with project.session() as session:
        canary = rollout_in(session, task=project.task.name, state=RolloutState.CANARY)
        if canary is None:
            raise ReleaseError(f"the task {project.task.name!r} has no canary", remedy="start one: `afina release`")
        seen = canary_events(session, canary.id, now=at)
        counts = canary_counts(session, canary.id, now=at)
    started = canary.started or at
    moment = Moment(now=at, started=started, stepped=canary.stepped or started, share=canary.share, **counts)
    found = look(seen, project.settings.release)
    return CanaryView(
        canary=canary, look=found, moment=moment, decision=decide_canary(found, moment, project.settings.release)
    )


def settle_canary(project: Project, *, actor: str, clock: Clock = now) -> CanaryView:
    """Promote, roll back or go a step up, as the traffic says; waiting changes the status only. The view tells what was done.

    What was looked at may be over when it is acted upon, by another process: then nothing is done.
    """
    view = may_serve(project, look_at_canary(project, clock=clock))
    decision, task = view.decision, project.task.name
    why = Reason(actor=actor, reason=decision.because, evidence=view.evidence(), at=view.moment.now)
    with project.session() as session:
        if not is_still(session, view.canary, task=task):
            return replace(view, decision=replace(decision, action="wait", because="somebody else was faster"))
        if decision.action == "promote":
            promote(session, why, task=task)
        elif decision.action == "roll_back":
            roll_back(session, why, task=task, what=view.canary.id)
        elif decision.action == "step":
            step(session, view.canary, decision.share, why)
        else:
            return replace(view, news=note_status(session, view.canary, decision.status, why))
    return replace(view, news=True)


def may_serve(project: Project, view: CanaryView) -> CanaryView:
    """The view; a version that must be rebuilt, or whose file is gone, is not promoted, whatever its traffic says."""
    if view.decision.action not in {"promote", "step"}:
        return view
    try:
        require_current(project, project.ledger.version(view.canary.model_version))
    except ReleaseError as exc:
        held = CanaryDecision(action="wait", status=CanaryStatus.UNHEALTHY, because=str(exc))
        return replace(view, decision=held)
    return view


def is_still(session: Connection, canary: Rollout, *, task: str) -> bool:
    """Whether the canary is where it was when it was looked at; holds the task until the transaction ends."""
    lock_task(session, task=task)
    found = rollout_in(session, task=task, state=RolloutState.CANARY)
    return found is not None and (found.id, found.share) == (canary.id, canary.share)


def promote_by_hand(project: Project, *, actor: str, reason: str) -> Rollout:
    """Promote the canary whatever its traffic says; who did it and why is recorded, with what was known."""
    view = look_at_canary(project)
    require_current(project, project.ledger.version(view.canary.model_version))
    with project.session() as session:
        why = Reason(actor=actor, reason=f"by hand: {reason}", evidence=view.evidence())
        return promote(session, why, task=project.task.name)


def withdraw(project: Project, *, actor: str, reason: str, production: bool = False) -> tuple[Rollout, Rollout | None]:
    """Roll back by hand: the canary; or `production`, where there is no canary, to the version before.

    Raises:
        ReleaseError: there is no canary, and production was not meant; or nothing to go back to.
    """
    task = project.task.name
    with project.session() as session:
        canary = rollout_in(session, task=task, state=RolloutState.CANARY)
        champion = rollout_in(session, task=task, state=RolloutState.PRODUCTION)
        what = canary or champion
        if what is None:
            raise ReleaseError(f"the task {task!r} has nothing live to roll back")
        if canary is None and not production:
            name = project.ledger.version(what.model_version).name
            raise ReleaseError(
                f"there is no canary; {name} is in production",
                remedy="`afina rollback --production` goes back to the version before it",
            )
        return roll_back(session, Reason(actor=actor, reason=reason), task=task, what=what.id)


def history(project: Project) -> list[dict[str, Any]]:
    """The audit record."""
    with project.session() as session:
        return events(session, task=project.task.name)
