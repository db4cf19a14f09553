"""A client of the gateway, sync (`Afina`) and async (`AsyncAfina`): answers, labels, replies, feedback, capture. Needs httpx only.

    with Afina("http://127.0.0.1:8080", key="afk_…") as afina:
        reply = afina.chat("¿Hacen envíos a Temuco?", user="ana", conversation="c-17")
        afina.feedback(reply.interaction, liked=True)

Every call raises `GatewayError` where the gateway refuses or does not answer, but `capture_interaction`: recording what was said must never break
a reply, so it answers False.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import httpx

Message = Mapping[str, Any]
CAPTURE_TIMEOUT_S = 2.0
NAMED = ("conversation", "channel", "product", "category")
"""Said in the metadata of a chat completion."""


class GatewayError(Exception):
    """The gateway refused, or did not answer (`status` 0)."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back. `interaction` is what feedback refers to; `raw` the whole body."""

    text: str
    interaction: str
    model: str
    raw: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Call:
    """One request, as both clients send it."""

    path: str
    body: Mapping[str, Any]
    method: str = "POST"


def chat_call(messages: str | Sequence[Message], options: Mapping[str, Any]) -> Call:
    """A chat completion. `options`: OpenAI's keys; `conversation`, `channel`, `product`, `category` go into its metadata."""
    said = [{"role": "user", "content": messages}] if isinstance(messages, str) else list(messages)
    named = {name: options[name] for name in NAMED if options.get(name)}
    rest = {name: value for name, value in options.items() if name not in NAMED and value is not None}
    metadata = {**rest.pop("metadata", {}), **named}
    return Call("/v1/chat/completions", {**rest, "messages": said, **({"metadata": metadata} if metadata else {})})


def task_call(path: str, text: str, options: Mapping[str, Any]) -> Call:
    """`/v1/classify`, `/nlu/parse`, `/style/reply` or `/ask`."""
    return Call(path, {"text": text, **{name: value for name, value in options.items() if value is not None}})


def feedback_call(interaction: str, said: Mapping[str, Any]) -> Call:
    """What somebody thinks of an interaction, or with `conversation` of a whole one."""
    of = {"interaction": interaction} if interaction else {}
    return Call("/v1/feedback", {**of, **{name: value for name, value in said.items() if value is not None}})


def capture_call(
    user_id: str, conversation_id: str, user_message: str, bot_response: str, context: Mapping[str, Any] | None
) -> Call:
    """An answer that was given elsewhere; the arguments are document 003's. `user_id` is whoever runs the bot: recorded as a fact."""
    given = dict(context or {})
    metadata = {
        "owner": user_id,
        "product": given.get("productId"),
        "product_name": given.get("productName"),
        "category": given.get("category"),
        "channel": given.get("channel"),
    }
    body = {
        "text": user_message,
        "answer": bot_response,
        "conversation": conversation_id,
        "user": str(given.get("customerId") or ""),
        "history": list(given.get("historial") or ()),
        "metadata": {name: value for name, value in metadata.items() if value},
    }
    return Call("/v1/interactions", {**body, **({"id": given["id"]} if given.get("id") else {})})


def read(response: httpx.Response) -> tuple[Mapping[str, Any], httpx.Headers]:
    """The body of a reply that is one.

    Raises:
        GatewayError: the gateway refused.
    """
    try:
        body = response.json()
    except ValueError:
        body = {}
    if response.status_code >= 400 or not isinstance(body, dict):
        error = body.get("error") if isinstance(body, dict) else None
        message = error.get("message") if isinstance(error, dict) else str(error or response.text[:200])
        raise GatewayError(str(message), status=response.status_code)
    return body, response.headers


def reply_of(body: Mapping[str, Any], headers: httpx.Headers) -> Reply:
    """Of any door that answers."""
    choices = body.get("choices")
    text = choices[0]["message"].get("content") if choices else body.get("text", body.get("answer", ""))
    return Reply(
        text=text or "",
        interaction=headers.get("x-afina-interaction", ""),
        model=headers.get("x-afina-model", ""),
        raw=body,
    )


def headers_of(key: str) -> dict[str, str]:
    """Of every request."""
    return {"authorization": f"Bearer {key}"} if key else {}


class Afina:
    """The synchronous client. `url` is the gateway's, `key` one of `afina keys add`."""

    def __init__(self, url: str = "http://127.0.0.1:8080", *, key: str = "", timeout_s: float = 120.0) -> None:
        self.http = httpx.Client(base_url=url, headers=headers_of(key), timeout=timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.http.close()

    def send(self, call: Call) -> tuple[Mapping[str, Any], httpx.Headers]:
        """One call.

        Raises:
            GatewayError: refused, or no answer.
        """
        try:
            return read(self.http.request(call.method, call.path, json=call.body))
        except httpx.HTTPError as exc:
            raise GatewayError(f"the gateway does not answer ({type(exc).__name__})", status=0) from exc

    def chat(self, messages: str | Sequence[Message], **options: Any) -> Reply:
        """An answer to a text, or to messages. Options: OpenAI's, and user, conversation, channel, product, category."""
        return reply_of(*self.send(chat_call(messages, options)))

    def classify(self, text: str, **options: Any) -> Mapping[str, Any]:
        """{"fields", "confidence", "model", "interaction"}."""
        return self.send(task_call("/v1/classify", text, options))[0]

    def nlu_parse(self, text: str, **options: Any) -> Mapping[str, Any]:
        """{"intent", "slots", "confidence", "interaction"}."""
        return self.send(task_call("/nlu/parse", text, options))[0]

    def style_reply(self, text: str, **options: Any) -> Reply:
        """A reply in a person's manner. Options: user, locale, intensity, tone, context, user_state, history."""
        return reply_of(*self.send(task_call("/style/reply", text, options)))

    def ask(self, text: str, **options: Any) -> Reply:
        """A free question."""
        return reply_of(*self.send(task_call("/ask", text, options)))

    def feedback(self, interaction: str = "", **said: Any) -> None:
        """One or more of liked, rating, comment, correction, outcome; of an interaction or, with `conversation`, of a whole one."""
        self.send(feedback_call(interaction, said))

    def capture_interaction(
        self,
        user_id: str,
        conversation_id: str,
        user_message: str,
        bot_response: str,
        context: Mapping[str, Any] | None = None,
    ) -> bool:
        """Record an answer that was given elsewhere. Whether it was taken; never raises what a network can raise."""
        try:
            call = capture_call(user_id, conversation_id, user_message, bot_response, context)
            read(self.http.post(call.path, json=call.body, timeout=CAPTURE_TIMEOUT_S))
        except (httpx.HTTPError, GatewayError, TypeError, ValueError, AttributeError):
            return False
        return True


class AsyncAfina:
    """The asynchronous client; its calls are those of `Afina`."""

    def __init__(self, url: str = "http://127.0.0.1:8080", *, key: str = "", timeout_s: float = 120.0) -> None:
        self.http = httpx.AsyncClient(base_url=url, headers=headers_of(key), timeout=timeout_s)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.http.aclose()

    async def send(self, call: Call) -> tuple[Mapping[str, Any], httpx.Headers]:
        """See `Afina.send`."""
        try:
            return read(await self.http.request(call.method, call.path, json=call.body))
        except httpx.HTTPError as exc:
            raise GatewayError(f"the gateway does not answer ({type(exc).__name__})", status=0) from exc

    async def chat(self, messages: str | Sequence[Message], **options: Any) -> Reply:
        """See `Afina.chat`."""
        return reply_of(*await self.send(chat_call(messages, options)))

    async def classify(self, text: str, **options: Any) -> Mapping[str, Any]:
        """See `Afina.classify`."""
        return (await self.send(task_call("/v1/classify", text, options)))[0]

    async def nlu_parse(self, text: str, **options: Any) -> Mapping[str, Any]:
        """See `Afina.nlu_parse`."""
        return (await self.send(task_call("/nlu/parse", text, options)))[0]

    async def style_reply(self, text: str, **options: Any) -> Reply:
        """See `Afina.style_reply`."""
        return reply_of(*await self.send(task_call("/style/reply", text, options)))

    async def ask(self, text: str, **options: Any) -> Reply:
        """See `Afina.ask`."""
        return reply_of(*await self.send(task_call("/ask", text, options)))

    async def feedback(self, interaction: str = "", **said: Any) -> None:
        """See `Afina.feedback`."""
        await self.send(feedback_call(interaction, said))

    async def capture_interaction(
        self,
        user_id: str,
        conversation_id: str,
        user_message: str,
        bot_response: str,
        context: Mapping[str, Any] | None = None,
    ) -> bool:
        """See `Afina.capture_interaction`."""
        try:
            call = capture_call(user_id, conversation_id, user_message, bot_response, context)
            read(await self.http.post(call.path, json=call.body, timeout=CAPTURE_TIMEOUT_S))
        except (httpx.HTTPError, GatewayError, TypeError, ValueError, AttributeError):
            return False
        return True
