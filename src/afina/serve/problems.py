"""What a caller did wrong, in OpenAI's form, and the reading of a body, bounded in size and time."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, TypeVar

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ValidationError

from afina.errors import first_problem
from afina.files import JsonProblem, read_json_text

MAX_BODY_BYTES = 4_000_000
CHUNK_TIMEOUT_S, BODY_TIMEOUT_S = 10.0, 60.0
Model = TypeVar("Model", bound=BaseModel)


class RequestProblem(Exception):
    """A request that cannot be answered because of the request itself."""

    def __init__(self, status: int, message: str, *, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.headers = status, message, headers or {}


def problem(status: int, message: str, *, kind: str = "invalid_request_error") -> JSONResponse:
    """An error in OpenAI's form, which its clients turn into exceptions."""
    text = message.encode("utf-8", "replace").decode()
    return JSONResponse({"error": {"message": text, "type": kind, "code": status}}, status_code=status)


async def read_body(request: Request) -> dict[str, Any]:
    """The request's JSON object.

    Raises:
        RequestProblem: 413 too large, 408 too slow, 400 no JSON object, or one with half characters or endless numbers.
    """
    raw = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            async for chunk in in_time(request.stream()):
                raw += chunk
                if len(raw) > MAX_BODY_BYTES:
                    raise RequestProblem(413, f"the body is larger than {MAX_BODY_BYTES:,} bytes")
    except TimeoutError as exc:
        raise RequestProblem(408, "the body did not arrive in time") from exc
    try:
        body = read_json_text(raw.decode("utf-8-sig"), nul=True)
    except UnicodeDecodeError as exc:
        raise RequestProblem(400, f"the body is not UTF-8 (byte {exc.start + 1})") from exc
    except JsonProblem as exc:
        raise RequestProblem(
            400, f"the body is {exc}" if str(exc).startswith("not ") else f"the body has {exc}"
        ) from exc
    if not isinstance(body, dict):
        raise RequestProblem(400, "the body is not a JSON object")
    return body


async def in_time(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The chunks, none of which may take long.

    Raises:
        TimeoutError: one did.
    """
    while True:
        try:
            async with asyncio.timeout(CHUNK_TIMEOUT_S):
                chunk = await anext(chunks)
        except StopAsyncIteration:
            return
        yield chunk


def parsed(kind: type[Model], body: dict[str, Any]) -> Model:
    """A body as a record.

    Raises:
        RequestProblem: names the key and what is wrong with it; the value, which may be large or private, is not repeated.
    """
    try:
        return kind.model_validate(body)
    except ValidationError as exc:
        key, reason = first_problem(exc.errors(include_url=False, include_context=False, include_input=False))
        raise RequestProblem(400, f"`{key or 'body'}`: {reason}") from exc


def inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema with its definitions put where they are referred to: inside an OpenAPI document `#/$defs/…` leads nowhere."""
    definitions = schema.get("$defs", {})

    def whole(value: Any) -> Any:
        if isinstance(value, list):
            return [whole(one) for one in value]
        if not isinstance(value, dict):
            return value
        if "$ref" in value:
            return whole(definitions[value["$ref"].rpartition("/")[2]])
        return {name: whole(one) for name, one in value.items() if name != "$defs"}

    found: dict[str, Any] = whole(schema)
    return found


def body_of(*kinds: type[BaseModel]) -> dict[str, Any]:
    """A route's body for the OpenAPI document. Routes read bodies themselves, bounded in size and time."""
    schemas = [inlined(kind.model_json_schema(by_alias=True)) for kind in kinds]
    schema = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
