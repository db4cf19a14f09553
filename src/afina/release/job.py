"""Rollouts in the database. Every move is one transaction: the new state and its audit record, or neither."""

from typing import Any

from psycopg.types.json import Jsonb

from afina.errors import ReleaseError
from afina.ids import ClientId, DatasetId, ModelVersionId, RolloutId, VerdictId, new_id
from afina.records import Rollout, RolloutState
from afina.release.rollout import next_state
from afina.release.traffic import ArmTraffic
from afina.store.access import Connection
from afina.store.named import read_queries

QUERIES = read_queries("afina.release")
S = RolloutState


def save_verdict(session: Connection, verdict: dict[str, Any], *, version: ModelVersionId, dataset: DatasetId) -> None:
    """Store a verdict, as JSON."""
    values = {"id": VerdictId(new_id("ver")), "version": version, "dataset": dataset, "go": verdict["go"]}
    session.execute(QUERIES["add_verdict"], {**values, "verdict": Jsonb(verdict)})


def verdict_of(session: Connection, version: ModelVersionId) -> dict[str, Any] | None:
    """The last verdict about a version, as stored."""
    row = session.execute(QUERIES["get_verdict"], {"version": version}).fetchone()
    return dict(row["verdict"]) if row else None


def rollouts(session: Connection, *, task: str, states: tuple[RolloutState, ...]) -> list[Rollout]:
    """The task's rollouts in these states, last moved first."""
    rows = session.execute(QUERIES["live"], {"task": task, "states": [s.value for s in states]}).fetchall()
    return [
        Rollout(
            id=RolloutId(r["id"]),
            client=ClientId(r["client_id"]),
            task=r["task"],
            model_version=ModelVersionId(r["model_version_id"]),
            state=S(r["state"]),
            share=r["share"],
        )
        for r in rows
    ]


def rollout_in(session: Connection, *, task: str, state: RolloutState) -> Rollout | None:
    """The task's rollout in a state that only one may have."""
    found = rollouts(session, task=task, states=(state,))
    return found[0] if found else None


def record_move(
    session: Connection,
    rollout: RolloutId,
    *,
    before: RolloutState | None,
    after: RolloutState,
    actor: str,
    reason: str,
    evidence: dict[str, Any] | None = None,
) -> None:
    """Add to the audit record."""
    session.execute(
        QUERIES["add_event"],
        {
            "rollout": rollout,
            "from": before.value if before else None,
            "to": after.value,
            "actor": actor,
            "reason": reason,
            "evidence": Jsonb(evidence or {}),
        },
    )


def start(
    session: Connection, version: ModelVersionId, *, task: str, share: float, actor: str, reason: str, action: str
) -> Rollout:
    """Put a version in front of users: as a canary, or at once in production.

    Raises:
        ReleaseError: there is such a rollout already.
    """
    session.execute(QUERIES["lock_task"], {"task": task})
    state = next_state(None, action)
    if rollout_in(session, task=task, state=state) is not None:
        raise ReleaseError(
            f"the task {task!r} has a {state.value} version already", remedy="promote it or `afina rollback` first"
        )
    rollout = Rollout(
        id=RolloutId(new_id("rol")), client=ClientId(""), task=task, model_version=version, state=state, share=share
    )
    session.execute(
        QUERIES["add_rollout"],
        {"id": rollout.id, "task": task, "version": version, "state": state.value, "share": share},
    )
    record_move(session, rollout.id, before=None, after=state, actor=actor, reason=reason)
    return rollout


def move(
    session: Connection,
    rollout: Rollout,
    action: str,
    *,
    actor: str,
    reason: str,
    evidence: dict[str, Any] | None = None,
) -> None:
    """Move a rollout on."""
    after = next_state(rollout.state, action)
    share = 1.0 if after is S.PRODUCTION else 0.0
    session.execute(QUERIES["move_rollout"], {"id": rollout.id, "state": after.value, "share": share})
    record_move(session, rollout.id, before=rollout.state, after=after, actor=actor, reason=reason, evidence=evidence)


def promote(session: Connection, *, task: str, actor: str, reason: str, evidence: dict[str, Any]) -> Rollout:
    """The canary becomes production; what was in production is archived.

    Raises:
        ReleaseError: there is no canary.
    """
    session.execute(QUERIES["lock_task"], {"task": task})
    canary = rollout_in(session, task=task, state=S.CANARY)
    if canary is None:
        raise ReleaseError(f"the task {task!r} has no canary", remedy="start one: `afina release`")
    champion = rollout_in(session, task=task, state=S.PRODUCTION)
    if champion is not None:
        move(session, champion, "supersede", actor=actor, reason=f"superseded: {reason}")
    move(session, canary, "promote", actor=actor, reason=reason, evidence=evidence)
    return canary


def roll_back(
    session: Connection, *, task: str, actor: str, reason: str, evidence: dict[str, Any] | None = None
) -> tuple[Rollout, Rollout | None]:
    """Withdraw the canary or, without one, production, which the last archived version replaces.

    Returns what was withdrawn and what replaces it (None for a canary).

    Raises:
        ReleaseError: nothing is live, or there is nothing to go back to.
    """
    session.execute(QUERIES["lock_task"], {"task": task})
    canary = rollout_in(session, task=task, state=S.CANARY)
    if canary is not None:
        move(session, canary, "roll_back", actor=actor, reason=reason, evidence=evidence)
        return canary, None
    champion = rollout_in(session, task=task, state=S.PRODUCTION)
    archived = rollouts(session, task=task, states=(S.ARCHIVED,))
    if champion is None:
        raise ReleaseError(f"the task {task!r} has nothing live to roll back")
    if not archived:
        raise ReleaseError(f"the task {task!r} has no earlier version to go back to")
    move(session, champion, "roll_back", actor=actor, reason=reason, evidence=evidence)
    move(session, archived[0], "restore", actor=actor, reason=f"rollback of a later version: {reason}")
    return champion, archived[0]


def events(session: Connection, *, task: str) -> list[dict[str, Any]]:
    """The audit record, oldest first."""
    return session.execute(QUERIES["events"], {"task": task}).fetchall()


def traffic(session: Connection, version: ModelVersionId, *, task: str, since: RolloutId) -> ArmTraffic:
    """What a version did since a rollout began."""
    row = session.execute(QUERIES["traffic"], {"version": version, "task": task, "rollout": since}).fetchone()
    return ArmTraffic(**row) if row else ArmTraffic(requests=0, errors=0, p95_ms=0.0)
