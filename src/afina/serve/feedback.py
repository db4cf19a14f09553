"""`POST /v1/feedback`: recorded at once, or kept for the database; refused where there is no such interaction."""

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from afina.errors import DatabaseDownError, StoreError
from afina.ids import ClientId
from afina.records import Feedback
from afina.serve.caller import Caller, caller_of
from afina.serve.gateway import Gateway
from afina.serve.opinions import Opinion, feedback_of
from afina.serve.problems import RequestProblem, body_of, parsed, read_body

LOG = logging.getLogger("afina.serve")
WAIT_S = 3.0


class FeedbackDesk:
    """Waits for the database in threads of its own: who gives feedback must not hold up answers."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.desk = ThreadPoolExecutor(4, "feedback")

    def close(self) -> None:
        """Nobody waits any more."""
        self.desk.shutdown(wait=False, cancel_futures=True)

    async def take(self, opinion: Opinion, caller: Caller) -> None:
        """Record what was said. A key that is one person's speaks of that person's interactions only.

        Raises:
            RequestProblem: there is no such interaction or conversation.
        """
        for feedback in feedback_of(opinion, client=caller.client):
            of_user = caller.key.user if caller.key else ""
            try:
                await self.give(feedback, of_user=of_user)
            except DatabaseDownError as exc:
                if of_user:  # whose it is cannot be looked up
                    raise RequestProblem(503, "the database does not answer", headers={"retry-after": "5"}) from exc
                LOG.warning("feedback waits for the database: %s", exc)
                self.gateway.books.record(feedback)
            except StoreError as exc:
                raise RequestProblem(400, "this feedback cannot be stored") from exc
            self.gateway.seen.heard(caller.client, feedback.kind.value)

    async def give(self, feedback: Feedback, *, of_user: str) -> None:
        """Record feedback, waiting a little for an interaction that is still on its way to the database.

        Raises:
            RequestProblem: there is no such interaction or conversation. AfinaError: the database does not answer.
        """
        deadline = time.monotonic() + WAIT_S
        loop = asyncio.get_running_loop()
        of = feedback.interaction or feedback.conversation
        while not await loop.run_in_executor(self.desk, self.gateway.books.feedback, feedback, of_user):
            on_its_way = self.gateway.said.get((feedback.client, of))
            if on_its_way is None or (of_user and on_its_way[1] != of_user):
                raise unknown(feedback)
            if time.monotonic() > deadline:
                if of_user:
                    raise unknown(feedback)
                self.gateway.books.record(feedback)  # behind its interaction, in the same order
                return
            await asyncio.sleep(0.1)


def unknown(feedback: Feedback) -> RequestProblem:
    """What it is about is not there, or not for whoever asks."""
    if feedback.interaction:
        return RequestProblem(404, f"no interaction {feedback.interaction[:200]!r}")
    return RequestProblem(404, f"no conversation {feedback.conversation[:200]!r}")


def add_feedback(app: FastAPI, gateway: Gateway, *, client: ClientId) -> FeedbackDesk:
    """Add the route to the application."""
    desk = FeedbackDesk(gateway)

    async def feedback(request: Request) -> Response:
        """What people think of an answer or a conversation: a thumb, 1 to 5, a comment, a correction, an outcome such as a sale."""
        body = await read_body(request)
        opinion = parsed(Opinion, body)
        await desk.take(opinion, caller_of(request, {}, client=client))
        return JSONResponse({"ok": True})

    app.add_api_route("/v1/feedback", feedback, methods=["POST"], openapi_extra=body_of(Opinion))
    return desk
