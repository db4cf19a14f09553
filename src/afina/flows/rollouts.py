"""Verdict → canary → production, or back. Each step is one recorded transition."""

from dataclasses import asdict
from typing import Any

from afina.errors import ReleaseError
from afina.flows.project import Project
from afina.records import ModelVersion, Rollout, RolloutState
from afina.release.canary import CanaryDecision, decide_canary
from afina.release.job import Reason, Start, events, must_rebuild, promote, roll_back, rollout_in, start, traffic


def release_direct(project: Project, version: ModelVersion, *, actor: str, reason: str) -> Rollout:
    """Put a version into production without a canary: the first one of a task."""
    require_current(project, version)
    with project.session() as session:
        what = Start(version=version.id, task=project.task.name, share=1.0, action="release")
        return start(session, what, Reason(actor=actor, reason=reason), client=project.client)


def require_current(project: Project, version: ModelVersion) -> None:
    """Refuse a version that learnt from what was erased since; --force does not overrule it.

    Raises:
        ReleaseError: it did.
    """
    with project.session() as session:
        reason = must_rebuild(session, version.id)
    if reason:
        raise ReleaseError(
            f"{version.name} must be rebuilt: {reason}",
            remedy="`afina curate`, `afina freeze`, `afina train` make its successor",
        )


def start_canary(project: Project, version: ModelVersion, *, actor: str, force: bool = False) -> Rollout:
    """Start a canary with the configured share.

    Raises:
        ReleaseError: there is no go from the evaluation, or another canary runs.
    """
    require_current(project, version)
    verdict = project.ledger.verdict(version.id)
    if not force and (verdict is None or not verdict.go):
        why = "was never evaluated" if verdict is None else f"got a {verdict.outcome}: {verdict.because}"
        raise ReleaseError(
            f"{version.name} {why}", remedy="`afina evaluate`, or --force to overrule, which is recorded"
        )
    reason = "forced without a go" if force or verdict is None else verdict.because
    with project.session() as session:
        share = project.settings.release.canary_share
        what = Start(version=version.id, task=project.task.name, share=share, action="start_canary")
        return start(session, what, Reason(actor=actor, reason=reason), client=project.client)


def look_at_canary(project: Project) -> tuple[CanaryDecision, dict[str, Any]]:
    """What the traffic since the canary's start says. Changes nothing.

    Raises:
        ReleaseError: there is no canary.
    """
    with project.session() as session:
        canary = rollout_in(session, task=project.task.name, state=RolloutState.CANARY)
        if canary is None:
            raise ReleaseError(f"the task {project.task.name!r} has no canary", remedy="start one: `afina release`")
        champion = rollout_in(session, task=project.task.name, state=RolloutState.PRODUCTION)
        own = traffic(session, canary.model_version, task=project.task.name, since=canary.id)
        other = traffic(session, champion.model_version, task=project.task.name, since=canary.id) if champion else None
    reference = other or own
    decision = decide_canary(reference, own, project.settings.release)
    return decision, {"canary": asdict(own), "champion": asdict(other) if other else None}


def settle_canary(project: Project, *, actor: str) -> tuple[CanaryDecision, dict[str, Any]]:
    """Promote or roll back as the traffic says; waiting changes nothing."""
    decision, evidence = look_at_canary(project)
    why = Reason(actor=actor, reason=decision.reason, evidence=evidence)
    with project.session() as session:
        if decision.action == "promote":
            promote(session, why, task=project.task.name)
        elif decision.action == "roll_back":
            roll_back(session, why, task=project.task.name)
    return decision, evidence


def withdraw(project: Project, *, actor: str, reason: str) -> tuple[Rollout, Rollout | None]:
    """Roll back by hand."""
    with project.session() as session:
        return roll_back(session, Reason(actor=actor, reason=reason), task=project.task.name)


def history(project: Project) -> list[dict[str, Any]]:
    """The audit record."""
    with project.session() as session:
        return events(session, task=project.task.name)
