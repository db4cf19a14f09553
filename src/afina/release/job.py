"""Rollouts in the database. Every move is one transaction: the new state and its audit record, or neither."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from afina.errors import ReleaseError
from afina.ids import ClientId, DatasetId, ModelVersionId, RolloutId, VerdictId, new_id
from afina.records import CanaryStatus, Rollout, RolloutState
from afina.release.canary import Events
from afina.release.events import Observed, events_of
from afina.release.rollout import next_state
from afina.store.named import read_queries
from afina.store.pool import Connection

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
            status=CanaryStatus(r["status"]),
            because=r["because"],
            started=r["created_at"],
            stepped=r["stepped_at"],
        )
        for r in rows
    ]


def lock_task(session: Connection, *, task: str) -> None:
    """One change of a task's rollouts at a time, until the transaction ends."""
    session.execute(QUERIES["lock_task"], {"task": task})


def rollout_in(session: Connection, *, task: str, state: RolloutState) -> Rollout | None:
    """The task's rollout in a state that only one may have."""
    found = rollouts(session, task=task, states=(state,))
    return found[0] if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Who moves a rollout, why, and on what evidence: the audit record. `at`: when, by the mover's clock; None = now."""

    actor: str
    reason: str
    evidence: dict[str, Any] = field(default_factory=dict)
    at: datetime | None = None


def record_move(
    session: Connection, rollout: RolloutId, before: RolloutState | None, after: RolloutState, why: Reason
) -> None:
    """Add to the audit record."""
    values = {"rollout": rollout, "from": before.value if before else None, "to": after.value, "actor": why.actor}
    session.execute(
        QUERIES["add_event"], {**values, "reason": why.reason, "evidence": Jsonb(why.evidence), "at": why.at}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What begins its way: a version of a task, the share of users it serves, and how (`start_canary`, `release`)."""

    version: ModelVersionId
    task: str
    share: float
    action: str


def start(session: Connection, what: Start, why: Reason, *, client: ClientId) -> Rollout:
    """Put a version in front of users: as a canary, or at once in production.

    Raises:
        ReleaseError: there is such a rollout already.
    """
    task = what.task
    lock_task(session, task=task)
    state = next_state(None, what.action)
    if rollout_in(session, task=task, state=state) is not None:
        raise ReleaseError(
            f"the task {task!r} has a {state.value} version already", remedy="promote it or `afina rollback` first"
        )
    rollout = Rollout(
        id=RolloutId(new_id("rol")), client=client, task=task, model_version=what.version, state=state, share=what.share
    )
    values = {"id": rollout.id, "task": task, "version": what.version, "state": state.value, "share": what.share}
    session.execute(QUERIES["add_rollout"], {**values, "at": why.at})
    record_move(session, rollout.id, None, state, why)
    return rollout


def move(session: Connection, rollout: Rollout, action: str, why: Reason) -> None:
    """Move a rollout on."""
    after = next_state(rollout.state, action)
    share = 1.0 if after is S.PRODUCTION else 0.0
    status = CanaryStatus.REVERTED if after is S.ROLLED_BACK else CanaryStatus.RUNNING
    set_state(session, rollout, after, share, (status, why))


def step(session: Connection, canary: Rollout, share: float, why: Reason) -> None:
    """A canary serves more users."""
    set_state(session, canary, S.CANARY, share, (CanaryStatus.RUNNING, why))


def set_state(
    session: Connection, rollout: Rollout, after: RolloutState, share: float, how: tuple[CanaryStatus, Reason]
) -> None:
    """The row and its audit record."""
    status, why = how
    values = {
        "id": rollout.id,
        "state": after.value,
        "share": share,
        "status": status.value,
        "because": why.reason,
        "at": why.at,
    }
    session.execute(QUERIES["move_rollout"], values)
    record_move(session, rollout.id, rollout.state, after, why)


def note_status(session: Connection, canary: Rollout, status: CanaryStatus, why: Reason) -> bool:
    """How a canary is doing; what is news goes into the audit record too. Returns whether it is."""
    values = {"id": canary.id, "status": status.value, "because": why.reason}
    is_news = session.execute(QUERIES["note_status"], values).rowcount > 0
    if is_news:
        told = Reason(actor=why.actor, reason=f"{status.value}: {why.reason}", evidence=why.evidence, at=why.at)
        record_move(session, canary.id, S.CANARY, S.CANARY, told)
    return is_news


def promote(session: Connection, why: Reason, *, task: str) -> Rollout:
    """The canary becomes production; what was in production is archived.

    Raises:
        ReleaseError: there is no canary.
    """
    lock_task(session, task=task)
    canary = rollout_in(session, task=task, state=S.CANARY)
    if canary is None:
        raise ReleaseError(f"the task {task!r} has no canary", remedy="start one: `afina release`")
    champion = rollout_in(session, task=task, state=S.PRODUCTION)
    if champion is not None:
        move(session, champion, "supersede", Reason(actor=why.actor, reason=f"superseded: {why.reason}", at=why.at))
    move(session, canary, "promote", why)
    return canary


def roll_back(session: Connection, why: Reason, *, task: str, what: RolloutId) -> tuple[Rollout, Rollout | None]:
    """Withdraw the canary, or what is in production, which the last archived version replaces. `what`: which of them is meant; the other one, or a
    canary that has just gone, is not touched.

    Returns what was withdrawn and what replaces it (None for a canary).

    Raises:
        ReleaseError: it is not live any more, or there is nothing to go back to.
    """
    lock_task(session, task=task)
    canary = rollout_in(session, task=task, state=S.CANARY)
    if canary is not None and canary.id == what:
        move(session, canary, "roll_back", why)
        return canary, None
    champion = rollout_in(session, task=task, state=S.PRODUCTION)
    archived = rollouts(session, task=task, states=(S.ARCHIVED,))
    if champion is None or champion.id != what:
        raise ReleaseError(
            "what was to be rolled back is not live any more", remedy="`afina release --history` shows what is"
        )
    if not archived:
        raise ReleaseError(f"the task {task!r} has no earlier version to go back to")
    move(session, champion, "roll_back", why)
    restored = Reason(actor=why.actor, reason=f"rollback of a later version: {why.reason}", at=why.at)
    move(session, archived[0], "restore", restored)
    return champion, archived[0]


def events(session: Connection, *, task: str) -> list[dict[str, Any]]:
    """The audit record, oldest first."""
    return session.execute(QUERIES["events"], {"task": task}).fetchall()


def canary_events(session: Connection, canary: RolloutId, *, now: datetime) -> Events:
    """Everything that was seen while a canary was running."""
    rows = session.execute(QUERIES["canary_events"], {"rollout": canary, "now": now}).fetchall()
    return events_of(
        Observed(row["person"], row["canary"], row["share"], {row["measure"]: row["value"]}) for row in rows
    )


def canary_counts(session: Connection, canary: RolloutId, *, now: datetime) -> dict[str, Any]:
    """`answered`, `missed`, `last_met` of a canary's requests."""
    row = session.execute(QUERIES["canary_counts"], {"rollout": canary, "now": now}).fetchone()
    assert row is not None
    return dict(row)


def must_rebuild(session: Connection, version: ModelVersionId) -> str:
    """Why a version must be made anew before it may be released; empty where it need not."""
    row = session.execute(QUERIES["must_rebuild"], {"version": version}).fetchone()
    return str(row["must_rebuild"]) if row else ""
