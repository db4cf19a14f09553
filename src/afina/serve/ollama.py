"""Ollama's API over the same gateway: `/api/chat`, `/api/generate`, `/api/tags`, `/api/show`, `/api/version`.

Programs written for Ollama meet the live model without a change. Requests are turned into chat completions, so routing,
recording and filtering are those of the OpenAI door. Form: Ollama's docs/api.md.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from afina import __version__
from afina.errors import ModelError
from afina.ids import ClientId
from afina.runtime import base_of, gguf_facts
from afina.serve.caller import Caller, caller_of
from afina.serve.exchange import tokens
from afina.serve.gateway import Gateway, Stream
from afina.serve.problems import RequestProblem, read_body
from afina.serve.route import LiveVersion, Wanted

OPTIONS = {
    "temperature": "temperature", "top_p": "top_p", "top_k": "top_k", "min_p": "min_p", "seed": "seed", "stop": "stop",
    "num_predict": "max_tokens", "repeat_penalty": "repeat_penalty", "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
}  # fmt: skip
"""Ollama's option → the name in a chat completion."""
Wrap = Callable[[str], dict[str, Any]]


def add_ollama(app: FastAPI, gateway: Gateway, *, client: ClientId) -> None:
    """Add Ollama's routes to the application."""

    def mine(request: Request) -> list[LiveVersion]:
        whose = caller_of(request, {}, client=client).client
        return [version for version in gateway.fleet.live if version.client == whose]

    async def chat(request: Request) -> Response:
        """`POST /api/chat`."""
        body = await read_body(request)
        wrong = malformed(body)
        if wrong or not isinstance(body.get("messages"), list):
            return failure(400, wrong or "`messages` must be a list")
        caller = caller_of(request, body, client=client)
        if not body["messages"]:
            return loaded(gateway, caller, body, message)
        return await answer(gateway, caller, to_completion(body, body["messages"]), message)

    async def generate(request: Request) -> Response:
        """`POST /api/generate`: one prompt, put into the chat template."""
        body = await read_body(request)
        if body.get("raw") or body.get("template") or body.get("suffix"):
            return failure(400, "raw, template and suffix are not served: the model is served as it was trained")
        if wrong := malformed(body):
            return failure(400, wrong)
        caller = caller_of(request, body, client=client)
        if not body.get("prompt"):
            return loaded(gateway, caller, body, lambda text: {"response": text})
        system = [{"role": "system", "content": body["system"]}] if body.get("system") else []
        messages = [*system, {"role": "user", "content": body["prompt"], "images": body.get("images")}]
        return await answer(gateway, caller, to_completion(body, messages), lambda text: {"response": text})

    async def show(request: Request) -> Response:
        """`POST /api/show`."""
        body = await read_body(request)
        if wrong := malformed(body):
            return failure(400, wrong)
        name = body.get("model") or body.get("name")
        version = next((v for v in mine(request) if v.name == name), None)
        if version is None:
            return failure(404, f"model '{name}' not found")
        return JSONResponse(await asyncio.to_thread(described, version))

    async def tags(request: Request) -> Response:
        """`GET /api/tags`."""
        return JSONResponse({"models": await asyncio.to_thread(lambda: [listed(v) for v in mine(request)])})

    async def version() -> Response:
        """`GET /api/version`."""
        return JSONResponse({"version": __version__})

    app.add_api_route("/api/chat", chat, methods=["POST"])
    app.add_api_route("/api/generate", generate, methods=["POST"])
    app.add_api_route("/api/show", show, methods=["POST"])
    app.add_api_route("/api/tags", tags, methods=["GET"])
    app.add_api_route("/api/version", version, methods=["GET"])


def malformed(body: dict[str, Any]) -> str:
    """What is wrong with the kinds of a request's values; empty if nothing."""
    kinds = {"options": dict, "prompt": str, "system": str, "model": str, "name": str, "stream": bool}
    wrong = [name for name, kind in kinds.items() if body.get(name) is not None and not isinstance(body[name], kind)]
    return f"`{wrong[0]}` is of the wrong kind" if wrong else ""


def loaded(gateway: Gateway, caller: Caller, body: dict[str, Any], wrap: Wrap) -> Response:
    """The answer to a request without a question, which asks to load a model: ours is loaded while it is live."""
    target = gateway.whom(Wanted(client=caller.client, model=str(body.get("model") or "")))[0]
    return JSONResponse({**final(target.name, datetime.now(UTC), {}, reason="load"), **wrap("")})


def message(text: str) -> dict[str, Any]:
    """The part of a chat answer."""
    return {"message": {"role": "assistant", "content": text}}


async def answer(gateway: Gateway, caller: Caller, completion: dict[str, Any], wrap: Wrap) -> Response:
    """Ask the gateway and give its answer in Ollama's form; streaming is the default, as Ollama's is."""
    began = datetime.now(UTC)
    given = await gateway.answer(caller, completion)
    if isinstance(given, Stream):
        lines = to_lines(given.events, wrap, began=began, model=given.exchange.target.name)
        return StreamingResponse(lines, media_type="application/x-ndjson", headers=given.headers())
    choice, usage = given.value["choices"][0], given.value.get("usage") or {}
    last = final(given.exchange.target.name, began, usage, reason=choice.get("finish_reason") or "stop")
    return JSONResponse({**last, **wrap(given.text)}, headers=given.headers())


def to_completion(body: dict[str, Any], messages: list[Any]) -> dict[str, Any]:
    """An Ollama request as a chat completion."""
    options = body.get("options") or {}
    completion: dict[str, Any] = {OPTIONS[key]: value for key, value in options.items() if key in OPTIONS}
    if isinstance(most := completion.get("max_tokens"), int) and most < 1:  # Ollama's -1 and -2: until it is over
        del completion["max_tokens"]
    for message in messages:
        if isinstance(message, dict) and message.get("images"):
            raise RequestProblem(400, "this model reads text only: a message has `images`")
    if body.get("format") == "json":
        completion["response_format"] = {"type": "json_object"}
    elif isinstance(body.get("format"), dict):
        schema = {"name": "answer", "schema": body["format"]}
        completion["response_format"] = {"type": "json_schema", "json_schema": schema}
    if body.get("stream", True):
        completion |= {"stream": True, "stream_options": {"include_usage": True}}
    return {**completion, "model": body.get("model", ""), "messages": messages}


async def to_lines(events: Any, wrap: Wrap, *, began: datetime, model: str) -> AsyncIterator[bytes]:
    """Server-sent events → one JSON object a line, the last one with the counts."""
    usage: Any = {}
    reason = ""
    async for chunk in events:
        line = chunk.decode() if isinstance(chunk, bytes) else chunk
        data = line.removeprefix("data:").strip()
        if not line.startswith("data:") or not data.startswith("{"):
            continue
        event = json.loads(data)
        if error := event.get("error"):
            yield as_line({"error": error.get("message") if isinstance(error, dict) else str(error)})
            return
        usage = event.get("usage") or usage
        for choice in event.get("choices", []):
            reason = choice.get("finish_reason") or reason
            text = (choice.get("delta") or {}).get("content")
            if text:
                yield as_line({"model": model, "created_at": stamp(), **wrap(text), "done": False})
    if not reason:  # the worker went away: a client must not take half an answer for a whole one
        yield as_line({"error": "the model worker stopped answering"})
        return
    yield as_line({**final(model, began, usage, reason=reason), **wrap("")})


def as_line(value: dict[str, Any]) -> bytes:
    """One line of JSON."""
    return (json.dumps(value, ensure_ascii=False) + "\n").encode()


def stamp() -> str:
    """Now, as Ollama writes it."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def final(model: str, began: datetime, usage: Any, *, reason: str) -> dict[str, Any]:
    """What closes an answer. Durations in nanoseconds."""
    nanoseconds = int((datetime.now(UTC) - began).total_seconds() * 1e9)
    return {
        "model": model,
        "created_at": stamp(),
        "done": True,
        "done_reason": reason,
        "total_duration": nanoseconds,
        "load_duration": 0,
        "prompt_eval_count": tokens(usage, "prompt_tokens") or 0,
        "prompt_eval_duration": 0,
        "eval_count": tokens(usage, "completion_tokens") or 0,
        "eval_duration": nanoseconds,
    }


def failure(status: int, text: str) -> Response:
    """An error in Ollama's form."""
    return JSONResponse({"error": text}, status_code=status)


def in_ollama_form(reply: Response) -> Response:
    """An error of the OpenAI door in Ollama's form."""
    try:
        text = json.loads(bytes(reply.body))["error"]["message"]
    except (ValueError, KeyError, TypeError):
        text = bytes(reply.body).decode("utf-8", errors="replace")
    return failure(reply.status_code, text)


def details(version: LiveVersion) -> dict[str, Any]:
    """Family, size and quantisation of a version's file."""
    try:
        facts = gguf_facts(base_of(Path(version.gguf)))
    except (ModelError, OSError):
        return {"format": "gguf"}
    return {
        "parent_model": "",
        "format": "gguf",
        "family": facts.architecture,
        "families": [facts.architecture],
        "parameter_size": f"{facts.parameters / 1e6:.1f}M",
        "quantization_level": facts.quantisation,
    }


def listed(version: LiveVersion) -> dict[str, Any]:
    """A version as `/api/tags` lists it."""
    file = Path(version.gguf)
    stat = file.stat() if file.is_file() else None
    modified = datetime.fromtimestamp(stat.st_mtime if stat else 0, UTC).isoformat().replace("+00:00", "Z")
    return {
        "name": version.name,
        "model": version.name,
        "modified_at": modified,
        "size": stat.st_size if stat else 0,
        "digest": version.id,
        "details": details(version),
    }


def described(version: LiveVersion) -> dict[str, Any]:
    """A version as `/api/show` describes it, with the Modelfile that lies beside its GGUF."""
    file = Path(version.gguf).with_name("Modelfile")
    modelfile = file.read_text("utf-8") if file.is_file() else ""
    template = modelfile.partition('TEMPLATE """')[2].partition('"""')[0]
    parameters = "\n".join(line.removeprefix("PARAMETER ") for line in modelfile.splitlines() if "PARAMETER" in line)
    facts = details(version)
    return {
        "modelfile": modelfile,
        "parameters": parameters,
        "template": template,
        "details": facts,
        "model_info": {"general.architecture": facts.get("family", ""), "general.name": version.name},
        "capabilities": ["completion"],
        "modified_at": listed(version)["modified_at"],
    }
