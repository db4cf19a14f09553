"""Who is let in: keys are looked at before anything else of a request is read.

While a project has no key, whoever reaches the address is let in; `afina serve` then listens on this machine only. The client is the
gateway's: nothing in a request can name another.
"""

import asyncio
import ipaddress
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as AsgiScope

from afina.errors import AfinaError, SettingsError
from afina.serve.exchange import OVERHEAD
from afina.serve.keys import Key, Scope, hash_of
from afina.serve.news import News
from afina.serve.ollama import in_ollama_form
from afina.serve.problems import problem

LOG = logging.getLogger("afina.serve")
REFRESH_S = 1.0
OPEN = {"/healthz"}
SIGNED = ("/webhooks/", "/chat/")
"""Beginnings of paths that have a door of their own: platforms sign what they send and know no keys."""
LOOKING = frozenset({Scope.VIEW, Scope.CHAT})
NEEDED = (
    ("/v1/feedback", {Scope.FEEDBACK}), ("/v1/models", LOOKING), ("/v1/", {Scope.CHAT}), ("/api/tags", LOOKING), ("/api/version", LOOKING),
    ("/api/training/", {Scope.TRAINER, Scope.VIEW}), ("/api/validation/", {Scope.TRAINER}), ("/dataset/", {Scope.TRAINER}),
    ("/finetune/", {Scope.TRAINER}), ("/eval/", {Scope.TRAINER}), ("/models/", {Scope.TRAINER}),
    ("/api/", {Scope.CHAT}), ("/nlu/", {Scope.CHAT}), ("/style/", {Scope.CHAT}), ("/ask", {Scope.CHAT}), ("/metrics", {Scope.VIEW}),
)  # fmt: skip
"""Beginning of a path → what a key must be for, one of them; the first that fits. Anything else needs `admin`."""


class Door:
    """The keys as the database last told them: a dead database keeps nobody out who was in."""

    def __init__(self, read: Callable[[], dict[str, Key]], *, news: News) -> None:
        self.read, self.news = read, news
        self.keys: dict[str, Key] = {}
        self.known = False
        """Whether they were read at least once. Before that nobody is let in."""

    async def refresh(self) -> None:
        """Read the keys once."""
        try:
            self.keys = await asyncio.to_thread(self.read)
            self.known = True
        except AfinaError as exc:
            LOG.warning("keys stay as they are: %s", exc)

    async def follow(self) -> None:
        """Read them for ever."""
        seen = self.news.told
        while True:
            seen = await self.news.next(seen, poll_s=REFRESH_S)
            try:
                await self.refresh()
            except Exception:
                LOG.exception("keys stay as they are")

    def look(self, path: str, headers: Headers) -> tuple[int, str, Key | None]:
        """Status, reason and key: 0 lets in."""
        if path in OPEN or path.startswith(SIGNED):
            return 0, "", None
        if not self.known:
            return 503, "the keys are not known yet: try again in a second", None
        if not self.keys:
            return 0, "", None
        scheme, _, secret = headers.get("authorization", "").partition(" ")
        secret = secret.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
        key = self.keys.get(hash_of(secret)) if secret else None
        if key is None or not key.is_live(datetime.now(UTC)):
            return 401, "a valid key is needed: Authorization: Bearer …", None
        wanted = next((scopes for start, scopes in NEEDED if path.startswith(start)), {Scope.ADMIN})
        if not key.allows(wanted):
            return 403, f"this key is not for {min(wanted)}", None
        return 0, "", key


class Guarded:
    """The application behind the door (ASGI)."""

    def __init__(self, app: ASGIApp, *, door: Door) -> None:
        self.app, self.door = app, door

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Let in, or answer in the form of the door that was knocked at."""
        if scope["type"] != "http" or scope["method"] == "OPTIONS":
            await self.app(scope, receive, send)
            return
        send = timed(send)
        status, why, key = self.door.look(scope["path"], Headers(scope=scope))
        if status:
            reply: Any = problem(status, why, kind="server_error" if status == 503 else "authentication_error")
            if scope["path"].startswith("/api/"):
                reply = in_ollama_form(reply)
            if status == 401:
                reply.headers["www-authenticate"] = "Bearer"
            await reply(scope, receive, send)
            return
        scope.setdefault("state", {})["key"] = key
        await self.app(scope, receive, send)


def timed(send: Send) -> Send:
    """Adds what the gateway took to replies that do not say it themselves: those that asked no model."""
    began = time.monotonic()

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.setdefault(OVERHEAD, f"{1000 * (time.monotonic() - began):.2f}")
        await send(message)

    return sending


def require_keys(host: str, *, has_keys: bool) -> None:
    """Refuse to listen to other machines without keys.

    Raises:
        SettingsError: the address is not this machine's own and there is no key.
    """
    if not has_keys and not is_loopback(host):
        raise SettingsError(
            f"{host}: whoever reaches this address could use the model and write into what it learns from",
            remedy="make a key first: afina keys add NAME; or listen on 127.0.0.1",
        )


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
