"""Who asks: everything of a request that is not the question. The client comes from the key, never from what the request says."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request

from afina.ids import ClientId, new_id
from afina.serve.keys import Key
from afina.serve.route import Wanted
from afina.serve.storable import storable

MAX_NAME = 512
"""Longest user, conversation or other name that is recorded, characters."""
NAMES = ("conversation", "channel", "product", "category")
"""Said in `x-NAME`, or as a text in the body's `metadata`, which OpenAI's clients can send."""
MAX_FACTS, MAX_FACT = 32, 2000
REQUEST_ID = "x-request-id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """One request's sender. All texts are storable."""

    client: ClientId
    key: Key | None = None
    user: str = ""
    conversation: str = ""
    channel: str = ""
    message: str = ""
    """A channel's own id of the message: it is recorded once."""
    product: str = ""
    category: str = ""
    request_id: str = field(default_factory=lambda: new_id("req"))
    facts: dict[str, str] = field(default_factory=dict)
    """What the body's `metadata` says besides."""
    began: float = field(default_factory=time.monotonic)
    """When the request came: an answer's time counts from here, whoever had to be waited for."""
    left: Callable[[], Awaitable[None]] | None = None
    """Returns when the caller has left."""

    def wants(self, model: str) -> Wanted:
        """Who asks for a model."""
        return Wanted(client=self.client, user=self.user, conversation=self.conversation, model=model)


def caller_of(request: Request, body: dict[str, Any], *, client: ClientId) -> Caller:
    """Read headers and metadata. `client` is whose gateway it is, where there is no key."""
    key: Key | None = getattr(request.state, "key", None)
    given = body.get("metadata")
    metadata: dict[str, Any] = given if isinstance(given, dict) else {}
    said = {name: name_of(metadata.get(name) or request.headers.get(f"x-{name}", "")) for name in NAMES}
    rest = [(name_of(k), storable(str(v))[:MAX_FACT]) for k, v in metadata.items() if k not in NAMES and k != "user"]

    async def left() -> None:
        while (await request.receive())["type"] != "http.disconnect":  # the body was read to its end
            pass

    own = key.user if key is not None else ""
    user = own or body.get("user") or metadata.get("user") or request.headers.get("x-user", "")
    return Caller(
        client=key.client if key is not None else client,
        key=key,
        user=name_of(user),
        request_id=request_id(request.headers.get(REQUEST_ID, "")),
        facts=dict(rest[:MAX_FACTS]),
        left=left,
        conversation=said["conversation"],
        channel=said["channel"],
        product=said["product"],
        category=said["category"],
    )


def name_of(value: Any) -> str:
    """A name as it is recorded."""
    return storable(str(value))[:MAX_NAME]


def request_id(given: str) -> str:
    """The caller's own id of a request where it is a plain word, else a new one: it stands in logs, headers and rows."""
    plain = given.isascii() and given.replace("-", "").replace("_", "").replace(".", "").replace(":", "").isalnum()
    return given if plain and len(given) <= 128 else new_id("req")
