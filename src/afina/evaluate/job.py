"""Evaluation results in the database."""

from dataclasses import asdict
from typing import Any

from psycopg.types.json import Jsonb

from afina.ids import DatasetId, EvalResultId, ModelVersionId, new_id
from afina.records import Answered, EvalResult, Score
from afina.store.access import Connection
from afina.store.named import read_queries

QUERIES = read_queries("afina.evaluate")


def save_result(session: Connection, result: EvalResult, *, dataset: DatasetId, version: ModelVersionId | None) -> None:
    """Store one arm's result with every answer, so that any score can be computed again."""
    metrics = {k: v for k, v in asdict(result).items() if k not in {"answers", "arm"}}
    session.execute(
        QUERIES["add_result"],
        {
            "id": EvalResultId(new_id("evr")), "version": version, "arm": result.arm, "dataset": dataset,
            "metrics": Jsonb(metrics), "answers": Jsonb([asdict(a) for a in result.answers]),
        },
    )  # fmt: skip


def load_results(session: Connection, *, dataset: DatasetId, version: ModelVersionId) -> dict[str, EvalResult]:
    """The newest result of every arm beside a tuned version."""
    rows = session.execute(QUERIES["newest_results"], {"dataset": dataset, "version": version}).fetchall()
    return {row["arm"]: to_result(row) for row in rows}


def to_result(row: dict[str, Any]) -> EvalResult:
    """A row as a record."""
    m = row["metrics"]
    return EvalResult(
        arm=row["arm"], accuracy=Score(**m["accuracy"]), macro_f1=Score(**m["macro_f1"]),
        per_field={name: Score(**s) for name, s in m["per_field"].items()},
        answers=tuple(Answered(**a) for a in row["answers"]), tokens_per_s=m["tokens_per_s"],
        peak_rss_mb=m["peak_rss_mb"], p95_ms=m["p95_ms"], seconds=m["seconds"],
    )  # fmt: skip
