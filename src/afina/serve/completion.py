"""The body of a chat completion: what is passed on to a worker, typed and bounded.

The worker is llama.cpp's own server, which has more than a hundred keys. Some of them end the process or take its memory
(`grammar` with deep parentheses, `dry_penalty_last_n` = 10⁹), so only the known ones below reach it.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from afina.serve.problems import RequestProblem, parsed
from afina.serve.schema_bounds import schema_problem
from afina.serve.target import Upstream

Number = Annotated[float, Field(strict=True)]
Whole = Annotated[int, Field(strict=True)]
Flag = Annotated[bool, Field(strict=True)]
Text = Annotated[str, Field(strict=True)]
MAX_MESSAGES, MAX_STOPS, MAX_TOOLS, MAX_CHOICES = 2000, 16, 64, 8
BINDING = ("grammar", "json_schema", "grammar_lazy", "grammar_triggers")
"""Keys of llama.cpp that bind the answer: left out silently, they would make it another one."""
USAGE = {"include_usage": True}
"""A stream's counts are always asked for: they are recorded."""
UNUSED = frozenset({
    "store", "metadata", "service_tier", "parallel_tool_calls", "reasoning_effort", "safety_identifier", "prompt_cache_key", "verbosity",
    "keep_alive", "cache_prompt",
})  # fmt: skip
"""Keys of OpenAI's API and others that change nothing here."""


def bounded_schema(value: Any) -> Any:
    """A schema within bounds.

    Raises:
        ValueError: it is too large, or no object.
    """
    if not isinstance(value, dict):
        msg = "must be an object"
        raise ValueError(msg)  # noqa: TRY004 (pydantic wants it)
    if too_large := schema_problem(value):
        msg = f"too large a schema: {too_large}"
        raise ValueError(msg)
    return value


def read_content(value: Any) -> Any:
    """Content as text. Parts of text are joined, as the model would read them.

    Raises:
        ValueError: a part is of another kind.
    """
    if value is None or isinstance(value, str):
        return value
    if not isinstance(value, list):
        msg = "must be a text or a list of parts"
        raise ValueError(msg)  # noqa: TRY004
    texts = []
    for at, part in enumerate(value):
        kind = part.get("type") if isinstance(part, dict) else None
        text = part.get("text") if isinstance(part, dict) else None
        if kind != "text" or not isinstance(text, str):
            what = (
                f"is of the type {kind!r}, and this model reads text only"
                if isinstance(kind, str) and kind != "text"
                else "has no text"
            )
            msg = f"part {at} {what}"
            raise ValueError(msg)
        texts.append(text)
    return "\n".join(texts)


class Record(BaseModel):
    """Of the keys that are not listed nothing is known."""

    model_config = ConfigDict(extra="ignore")


class Message(Record):
    """One message."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: Annotated[str | None, BeforeValidator(read_content)] = None
    name: Text | None = None
    tool_calls: list[dict[str, Any]] | None = Field(None, max_length=MAX_TOOLS)
    tool_call_id: Text | None = None

    def model_post_init(self, _context: Any) -> None:
        """Only an answer that calls tools may have no text."""
        if self.content is None and not (self.role == "assistant" and self.tool_calls):
            msg = f"a message of the role {self.role} needs `content`"
            raise ValueError(msg)


class JsonSchema(Record):
    """The schema that an answer is bound by."""

    name: str = "answer"
    schema_: Annotated[dict[str, Any], BeforeValidator(bounded_schema)] = Field(alias="schema")
    strict: bool | None = None


class ResponseFormat(Record):
    """The form of an answer."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None
    schema_: Annotated[dict[str, Any], BeforeValidator(bounded_schema)] | None = Field(None, alias="schema")


class Function(Record):
    """A tool's function."""

    name: Text
    description: str | None = None
    parameters: Annotated[dict[str, Any], BeforeValidator(bounded_schema)] | None = None
    strict: bool | None = None


class Tool(Record):
    """A tool that the model may call."""

    type: Literal["function"]
    function: Function


class StreamOptions(Record):
    """What a stream tells beside the answer."""

    include_usage: Flag | None = None


class Completion(Record):
    """What reaches a worker."""

    model: str = ""
    user: str = ""
    messages: list[Message] = Field(min_length=1, max_length=MAX_MESSAGES)
    temperature: Number | None = Field(None, ge=0, le=100)
    top_p: Number | None = Field(None, ge=0, le=1)
    min_p: Number | None = Field(None, ge=0, le=1)
    typical_p: Number | None = Field(None, ge=0, le=1)
    top_k: Whole | None = Field(None, ge=-1, le=100_000)
    seed: Whole | None = Field(None, ge=-(2**63), lt=2**63)
    presence_penalty: Number | None = Field(None, ge=-10, le=10)
    frequency_penalty: Number | None = Field(None, ge=-10, le=10)
    repeat_penalty: Number | None = Field(None, ge=0, le=10)
    repeat_last_n: Whole | None = Field(None, ge=-1, le=4096)
    max_tokens: Whole | None = Field(None, ge=1, le=1_000_000)
    max_completion_tokens: Whole | None = Field(None, ge=1, le=1_000_000)
    n: Whole | None = Field(None, ge=1, le=MAX_CHOICES)
    stop: Text | list[Text] | None = None
    logit_bias: dict[str, Number] | None = Field(None, max_length=1000)
    logprobs: Flag | None = None
    top_logprobs: Whole | None = Field(None, ge=0, le=20)
    response_format: ResponseFormat | None = None
    tools: list[Tool] | None = Field(None, max_length=MAX_TOOLS)
    tool_choice: Literal["none", "auto", "required"] | dict[str, Any] | None = None
    chat_template_kwargs: dict[str, bool | str | int] | None = Field(None, max_length=16)
    stream: Flag | None = None
    stream_options: StreamOptions | None = None


def read_completion(body: dict[str, Any]) -> tuple[Completion, list[str]]:
    """A body as a record, and the keys that were left out because nothing is known of them.

    Raises:
        RequestProblem: names the key and what is wrong with it.
    """
    for name in BINDING:
        if body.get(name) is not None:
            raise RequestProblem(400, f"`{name}` is not taken: bind the answer by `response_format` with a JSON schema")
    stops = body.get("stop")
    if isinstance(stops, list) and len(stops) > MAX_STOPS:
        raise RequestProblem(400, f"`stop`: at most {MAX_STOPS} texts")
    known = {name: value for name, value in body.items() if name in Completion.model_fields and value is not None}
    completion = parsed(Completion, known)
    return completion, sorted(map(str, body.keys() - Completion.model_fields.keys() - UNUSED))


def to_worker(completion: Completion) -> dict[str, Any]:
    """The body that the worker gets."""
    body = completion.model_dump(exclude_none=True, by_alias=True, exclude={"model", "user"})
    for message in body["messages"]:
        if message["role"] == "developer":  # OpenAI's newer word for it, which no open template knows
            message["role"] = "system"
    if body.get("stream"):
        body["timings_per_token"] = True  # counts a stream that is cut, too
    return body


def asks_usage(body: Mapping[str, Any]) -> bool:
    """Whether a caller wants a stream's counts."""
    options = body.get("stream_options")
    return isinstance(options, dict) and bool(options.get("include_usage"))


def to_upstream(body: dict[str, Any], upstream: Upstream) -> dict[str, Any]:
    """The body that another server gets: the caller's as it is, but for the model where the settings name one, and what only this gateway reads.

    Raises:
        RequestProblem: it has no messages.
    """
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages or not all(isinstance(one, dict) for one in messages):
        raise RequestProblem(400, "`messages` must be a list of messages")
    if len(messages) > MAX_MESSAGES:
        raise RequestProblem(400, f"`messages`: at most {MAX_MESSAGES:,}")
    if not isinstance(
        body.get("stream"), bool | None
    ):  # servers that read "false" as false would answer otherwise than we expect
        raise RequestProblem(400, "`stream` must be true or false")
    sent = named_for(body, upstream)
    if sent.get("stream"):
        sent["stream_options"] = USAGE
    return sent


def named_for(body: dict[str, Any], upstream: Upstream) -> dict[str, Any]:
    """A body with the model that an upstream knows, and without what only this gateway reads."""
    sent = {name: value for name, value in body.items() if name != "metadata"}
    if upstream.model:
        sent["model"] = upstream.model
    elif sent.get("model") in ("", None, upstream.name):
        sent.pop("model", None)
    return sent
