"""Asks a worker or an upstream: time limits, retries, errors that say what may be tried next."""

import asyncio
import contextlib
import json
import math
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import aiohttp

from afina.records import Fault
from afina.serve.target import Target

KEEP_ALIVE_S = 2.0
"""llama.cpp's server closes an idle connection after five seconds: ours are given up well before."""
CONNECTIONS = 400
CONNECT_S = 5.0
LONGEST_ANSWER = 64_000_000
"""Bytes of one answer: a server that writes without end must not take this one's memory."""
BUSY = {429, 500, 502, 503, 504}
"""Statuses after which the same server may answer a moment later."""
ELSEWHERE = {401, 402, 403, 404, 405, 408, 409, 425, 429}
"""Statuses of an upstream below 500 that say nothing against the request itself: another one may answer it."""
REQUESTS_FAULT = (
    "not supported", "Failed to parse messages", "Failed to parse tools", "json.exception", "Unable to generate parser",
    "Jinja", "chat template", "JSON schema", "grammar", "must be", "Expected",
)  # fmt: skip
"""Words of llama.cpp's errors that it answers with 500 although the request is to blame."""
FIRST_WAIT_S, LONGEST_WAIT_S, LONGEST_TOLD_S = 0.2, 5.0, 3600.0


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that begins well: all of it in `value`; or None, and it comes in events. A server may answer whole where events were asked for."""

    response: aiohttp.ClientResponse
    value: dict[str, Any] | None

    async def lines(self) -> AsyncIterator[str]:
        """Its lines as they come.

        Raises:
            TargetFailedError: it broke off.
        """
        rest = b""
        with transport_errors():
            async for chunk in self.response.content.iter_any():
                *lines, rest = (rest + chunk).split(b"\n")
                if len(rest) > LONGEST_ANSWER:
                    raise TargetFailedError("the model's answer has no end", status=502)
                for line in lines:
                    yield line.rstrip(b"\r").decode("utf-8", "replace")
        if rest:
            yield rest.decode("utf-8", "replace")

    def close(self) -> None:
        """End the generation, if it is not over: the server sees that nobody listens any more."""
        self.response.close()


def no_number(name: str) -> float:
    """NaN and infinities are no JSON: passed on they would break the caller's reader.

    Raises:
        ValueError: always.
    """
    raise ValueError(name)


class TargetFailedError(Exception):
    """A target gave no answer. `fault` says whose fault it is; where `elsewhere`, another target may answer."""

    def __init__(self, message: str, *, status: int, fault: Fault = Fault.MODEL, elsewhere: bool = True) -> None:
        super().__init__(message)
        self.message, self.status, self.fault, self.elsewhere = message, status, fault, elsewhere
        self.wait_s: float | None = None
        """How long the server asks to be left alone."""
        self.again = False
        """Whether the same server may answer a moment later."""


class Transport:
    """Kept connections. It is opened by its first request, in whose loop it lives."""

    def __init__(self, *, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self.session: aiohttp.ClientSession | None = None

    def opened(self) -> aiohttp.ClientSession:
        """The session."""
        if self.session is None:
            connector = aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=KEEP_ALIVE_S, ttl_dns_cache=60)
            # No cookies: what a server sets for one caller must not reach it with another one's request.
            self.session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        return self.session

    async def close(self) -> None:
        """Give up connections."""
        if self.session is not None:
            await self.session.close()

    async def ask(self, target: Target, path: str, body: dict[str, Any]) -> Reply:
        """Ask, and ask again where that may help.

        Raises:
            TargetFailedError: no answer, or a refusal.
        """
        retries = target.upstream.retries if target.upstream is not None else 0
        for attempt in range(retries + 1):
            try:
                return await self.once(target, path, body)
            except TargetFailedError as exc:
                wait = FIRST_WAIT_S * 2**attempt if exc.wait_s is None else exc.wait_s
                if attempt == retries or not exc.again or wait > LONGEST_WAIT_S:
                    raise
            await asyncio.sleep(wait)
        raise AssertionError

    async def once(self, target: Target, path: str, body: dict[str, Any]) -> Reply:
        """One attempt; one more where a kept connection turned out to be closed before anything was answered.

        Raises:
            TargetFailedError: see `ask`.
        """
        with transport_errors():
            try:
                response = await self.post(target, path, body)
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as exc:
                if isinstance(exc, aiohttp.ClientConnectorError) or not (
                    target.worker is None or target.worker.alive()
                ):
                    raise
                response = await self.post(target, path, body)
            if response.status == 200:
                is_stream = response.content_type == "text/event-stream"
                return Reply(response, None if is_stream else await whole(response))
            content = await bounded(response)
            response.release()
        raise refusal(target, response, content)

    async def post(self, target: Target, path: str, body: dict[str, Any]) -> aiohttp.ClientResponse:
        """One request."""
        upstream = target.upstream
        key = upstream.key if upstream is not None else ""
        seconds = upstream.timeout_s if upstream is not None else self.timeout_s
        limits = aiohttp.ClientTimeout(total=None, sock_connect=min(CONNECT_S, seconds), sock_read=seconds)
        return await self.opened().post(
            f"{target.url.rstrip('/')}{path}",
            data=json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass"),
            headers={"content-type": "application/json", **({"authorization": f"Bearer {key}"} if key else {})},
            timeout=limits,
            allow_redirects=False,
        )


async def whole(response: aiohttp.ClientResponse) -> dict[str, Any]:
    """A body that is a JSON object.

    Raises:
        TargetFailedError: it is none.
    """
    try:
        value = json.loads(await bounded(response), parse_constant=no_number)
    except ValueError as exc:
        raise TargetFailedError("the model did not answer with JSON", status=502) from exc
    if not isinstance(value, dict):
        raise TargetFailedError("the model did not answer with a JSON object", status=502)
    return value


async def bounded(response: aiohttp.ClientResponse) -> bytes:
    """The body.

    Raises:
        TargetFailedError: it has no end.
    """
    content = bytearray()
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) > LONGEST_ANSWER:
            response.close()
            raise TargetFailedError("the model's answer has no end", status=502)
    return bytes(content)


@contextlib.contextmanager
def transport_errors() -> Iterator[None]:
    """Translate aiohttp's errors.

    Raises:
        TargetFailedError: in the words of this program.
    """
    try:
        yield
    except (aiohttp.ClientError, TimeoutError, OSError) as exc:
        failed = TargetFailedError(f"the model did not answer ({type(exc).__name__})", status=502)
        failed.again = isinstance(exc, aiohttp.ClientConnectorError | aiohttp.ServerDisconnectedError)
        raise failed from exc


def refusal(target: Target, response: aiohttp.ClientResponse, content: bytes) -> TargetFailedError:
    """What a status other than 200 means: a fault of the request, or of the one who was asked. Only the latter counts against a model."""
    text = content.decode("utf-8", errors="replace")
    with contextlib.suppress(ValueError, KeyError, TypeError):
        text = str(json.loads(text)["error"]["message"])
    status = response.status
    if target.upstream is None:
        ours = status >= 500 and not any(words in text for words in REQUESTS_FAULT)
        shown = status if ours or status < 500 else 400
        return TargetFailedError(
            text[:1000], status=shown, fault=Fault.MODEL if ours else Fault.REQUEST, elsewhere=ours
        )
    ours = status >= 500 or status < 400 or status in ELSEWHERE
    shown = status if not ours or status == 429 else 502
    why = text[:1000] if not ours else f"{target.upstream.name} answered {status}: {text[:300]}"
    failed = TargetFailedError(why, status=shown, fault=Fault.MODEL if ours else Fault.REQUEST, elsewhere=ours)
    with contextlib.suppress(ValueError):
        wait = float(response.headers.get("retry-after", "nan"))
        failed.wait_s = min(max(0.0, wait), LONGEST_TOLD_S) if math.isfinite(wait) else None
    failed.again = status in BUSY
    return failed
