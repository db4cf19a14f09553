"""For whoever trains: what there is to learn from, and the file of it (`/api/training/stats`, `/api/validation/finetuning-dataset/CLIENT`,
`/dataset/export`).
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, field_validator

from afina.errors import AfinaError, DatabaseDownError, InputError, RuntimeFailedError, StoreError
from afina.files.training_file import Selection
from afina.files.training_forms import FORMS
from afina.ids import ClientId
from afina.records import Example
from afina.serve.caller import caller_of
from afina.serve.gateway import Gateway
from afina.serve.problems import RequestProblem, body_of, parsed, read_body
from afina.store.named import read_queries
from afina.store.pool import Connection

QUERIES = read_queries("afina.serve", "training.sql")
MILESTONES = (("floor", 500), ("optimum", 2000), ("synthetic examples, active learning, transfer", 5000))
"""Document 000's numbers of corrections, and what each opens."""
RATE = 0.1
"""Document 000's share of messages that should need a person at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingDesk:
    """What is curated of a client's task, with its prompt; and the file of it: its path and rows."""

    examples: Callable[[ClientId], tuple[Sequence[Example], str]]
    export: Callable[[ClientId, Selection], tuple[str, int]]


class DateRange(BaseModel):
    """From and to, both included."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    since: str = Field("", alias="from", pattern=r"^(\d{4}-\d{2}-\d{2}.*)?$", max_length=40)
    until: str = Field("", alias="to", pattern=r"^(\d{4}-\d{2}-\d{2}.*)?$", max_length=40)


class ExportWish(BaseModel):
    """Body of `POST /dataset/export`."""

    model_config = ConfigDict(extra="forbid")
    intents: list[str] = Field(default_factory=list, max_length=1000)
    min_confidence: float | None = Field(None, ge=0, le=1)
    date_range: DateRange | None = None

    @field_validator("date_range", mode="before")
    @classmethod
    def from_list(cls, given: Any) -> Any:
        """`["2026-05-01", "2026-05-31"]` is a range too."""
        return {"from": given[0], "to": given[1]} if isinstance(given, list) and len(given) == 2 else given


def stats_of(session: Connection) -> dict[str, Any]:
    """What there is to learn from, in the documents' names, and how far it is to each of their milestones."""
    row = session.execute(QUERIES["stats"]).fetchone() or {}
    corrections, messages = row["corrections"], row["messages"]
    rate = row["reviewed"] / messages if messages else None
    return {
        "total": row["total"],
        "byCategory": row["by_category"],
        "highQuality": row["high_quality"],
        "curated": row["curated"],
        "corrections": corrections,
        "uniqueMessages": row["unique_messages"],
        "validationRate": rate,
        "reviewSeconds": row["review_seconds"],
        "milestones": [
            {
                "name": name,
                "corrections": wanted,
                "reached": corrections >= wanted,
                "missing": max(0, wanted - corrections),
            }
            for name, wanted in MILESTONES
        ]
        + [{"name": "validation rate", "most": RATE, "reached": rate is not None and rate <= RATE, "now": rate}],
    }


def add_training(app: FastAPI, gateway: Gateway, desk: TrainingDesk, *, client: ClientId) -> None:
    """Add the routes to the application."""

    async def stats(request: Request) -> Response:
        """How much there is to learn from: in all, by category, of high quality; corrections and the milestones that they reach."""
        open_session = gateway.books.session(caller_of(request, {}, client=client).client)

        def read() -> dict[str, Any]:
            with open_session() as session:
                return stats_of(session)

        return JSONResponse(await answered(read))

    async def dataset(request: Request, of: str) -> Response:
        """Every curated example of a client as JSONL, in the form of a training file."""
        own = caller_of(request, {}, client=client).client
        if of != own:
            raise RequestProblem(403, f"this key is not of the client {of[:100]!r}")
        examples, prompt = await answered(lambda: desk.examples(own))
        rows = [row for example in examples for row in FORMS["chat"](example, prompt)]
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        return Response(text, media_type="application/jsonl")

    async def export(request: Request) -> Response:
        """Write the curated examples that are wanted into a file of the project; its path and rows."""
        wish = parsed(ExportWish, await read_body(request))
        span = wish.date_range or DateRange()
        own = caller_of(request, {}, client=client).client
        selection = Selection(
            intents=tuple(wish.intents), min_confidence=wish.min_confidence, since=span.since, until=span.until
        )
        path, rows = await answered(lambda: desk.export(own, selection))
        return JSONResponse({"dataset_uri": path, "rows": rows})

    app.add_api_route("/api/training/stats", stats, methods=["GET"])
    app.add_api_route("/api/validation/finetuning-dataset/{of}", dataset, methods=["GET"])
    app.add_api_route("/dataset/export", export, methods=["POST"], openapi_extra=body_of(ExportWish))


async def answered(work: Callable[[], Any]) -> Any:
    """Work that waits for the database, off the event loop.

    Raises:
        RequestProblem: there is nothing to give, or the database does not answer.
    """
    try:
        return await asyncio.to_thread(work)
    except DatabaseDownError as exc:
        raise RequestProblem(503, "the database does not answer", headers={"retry-after": "5"}) from exc
    except (InputError, StoreError) as exc:
        raise RequestProblem(404, told(exc)) from exc
    except RuntimeFailedError as exc:
        raise RequestProblem(502, told(exc)) from exc
    except AfinaError as exc:
        raise RequestProblem(409, told(exc)) from exc


def told(error: AfinaError) -> str:
    """What is wrong, and what to do."""
    return f"{error}; {error.remedy}" if error.remedy else str(error)
