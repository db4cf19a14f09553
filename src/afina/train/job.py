"""Runs in the database: planned, running, done or failed."""

from typing import Any

from psycopg.types.json import Jsonb

from afina.errors import StoreError
from afina.ids import ClientId, DatasetId, RunId, new_id
from afina.records import Run, RunState
from afina.store.named import read_queries
from afina.store.pool import Connection, Row
from afina.train.states import sources

QUERIES = read_queries("afina.train")


def plan_run(session: Connection, *, dataset: DatasetId, base: str, config: dict[str, Any]) -> RunId:
    """Record a training before it starts."""
    run = RunId(new_id("run"))
    session.execute(QUERIES["add_run"], {"id": run, "dataset": dataset, "base": base, "config": Jsonb(config)})
    return run


def move_run(
    session: Connection, run: RunId, to: RunState, *, result: dict[str, Any] | None = None, error: str = ""
) -> None:
    """Enter a state.

    Raises:
        StoreError: the run does not exist or may not enter it from where it stands.
    """
    values = {
        "id": run,
        "to": to.value,
        "from": sources(to),
        "error": error,
        "result": Jsonb(result) if result else None,
    }
    if session.execute(QUERIES["move_run"], values).fetchone() is None:
        found = session.execute(QUERIES["get_run"], {"id": run}).fetchone()
        state = found["state"] if found else "unknown"
        raise StoreError(f"run {run} is {state} and cannot become {to.value}", remedy="start a new one: `afina train`")


def to_run(row: Row) -> Run:
    """A row as a record."""
    return Run(
        id=RunId(row["id"]),
        client=ClientId(row["client_id"]),
        dataset=DatasetId(row["dataset_id"]),
        base=row["base"],
        state=RunState(row["state"]),
        config=row["config"],
        result=row["result"],
        error=row["error"],
    )


def newest_run(session: Connection, *, task: str, states: tuple[RunState, ...]) -> Run:
    """The task's last run in one of these states.

    Raises:
        StoreError: there is none.
    """
    row = session.execute(QUERIES["newest_run"], {"task": task, "states": [s.value for s in states]}).fetchone()
    if row is None:
        wanted = " or ".join(s.value for s in states)
        raise StoreError(f"no {wanted} run for the task {task!r}", remedy="run `afina train`")
    return to_run(row)


def get_run(session: Connection, run: RunId) -> Run:
    """One run.

    Raises:
        StoreError: there is none with this id.
    """
    row = session.execute(QUERIES["get_run"], {"id": run}).fetchone()
    if row is None:
        raise StoreError(f"no run {run}")
    return to_run(row)
