"""Model versions in the database."""

from typing import Any

from psycopg.types.json import Json

from afina.errors import StoreError
from afina.ids import ModelVersionId, RunId, base_name
from afina.records import ModelVersion
from afina.store.named import read_queries
from afina.store.pool import Connection, Row

QUERIES = read_queries("afina.export")


def register_version(session: Connection, version: ModelVersion) -> None:
    """Record a model version whose files are in place."""
    session.execute(
        QUERIES["add_version"],
        {
            "id": version.id,
            "name": version.name,
            "task": version.task,
            "base": version.base,
            "run": version.run,
            "gguf": version.gguf,
            "quantisation": version.quantisation,
            "card": Json(version.card),
        },
    )


def change_card(session: Connection, version: ModelVersionId, card: dict[str, Any]) -> None:
    """Replace what is known of a version."""
    session.execute(QUERIES["change_card"], {"id": version, "card": Json(card)})


def next_name(session: Connection, *, task: str, base: str) -> str:
    """`BASE-TASK:vN`, the form of names Ollama uses."""
    row = session.execute(QUERIES["next_number"], {"task": task}).fetchone()
    return f"{base_name(base)}-{task}:v{row['number'] if row else 1}"


def to_version(row: Row) -> ModelVersion:
    """A row as a record."""
    return ModelVersion(
        id=ModelVersionId(row["id"]),
        name=row["name"],
        task=row["task"],
        base=row["base"],
        gguf=row["gguf"],
        quantisation=row["quantisation"],
        run=RunId(row["run_id"]) if row["run_id"] else None,
        card=row["card"],
    )


def get_version(session: Connection, name: str | None, *, task: str) -> ModelVersion:
    """A version by id or name; without one, the newest tuned version of the task.

    Raises:
        StoreError: there is none.
    """
    row = session.execute(QUERIES["get_version"], {"name": name, "task": task}).fetchone()
    if row is None:
        raise StoreError(f"no model version {name or f'for the task {task!r}'}", remedy="`afina models` lists them")
    return to_version(row)


def get_base_version(session: Connection, *, task: str, base: str, quantisation: str) -> ModelVersion | None:
    """The untuned base, if it was registered."""
    values = {"task": task, "base": base, "quantisation": quantisation}
    row = session.execute(QUERIES["base_version"], values).fetchone()
    return to_version(row) if row else None


def list_versions(session: Connection) -> list[dict[str, Any]]:
    """All versions, newest first, with the state and share of their last rollout."""
    return session.execute(QUERIES["list_versions"]).fetchall()


def name_of_run(session: Connection, run: RunId) -> str:
    """The version that came of a run; empty = none yet."""
    row = session.execute(QUERIES["name_of_run"], {"run": run}).fetchone()
    return str(row["name"]) if row else ""
