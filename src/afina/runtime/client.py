"""Talks to one llama.cpp server: the calls that evaluation and the parity check need."""

import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx

from afina.chat import strip_thinking
from afina.chat.parse import read_yaml
from afina.errors import RuntimeFailedError
from afina.files import NOTICES
from afina.records import Turn
from afina.runtime.grammar import bound_by, response_format
from afina.runtime.yaml_grammar import FORM

OPTIONAL = ("temperature", "cache_prompt", "logprobs", "seed")
"""What an answer can do without; a schema is not among it, because without one the answer is another."""


TELLS_WITHIN_S = 5
"""Nobody waits longer for what a model is."""


class RefusedError(RuntimeFailedError):
    """The model's server answered, and refused; 200 = what it answered is not what was asked for."""

    def __init__(self, message: str, *, status: int, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.status = status


@dataclass(frozen=True, slots=True)
class Completion:
    """An answer and what it cost: milliseconds in all and until the first token. `cut`: its tokens ran out.

    `confidence`: the product of the probabilities of its tokens, where it was asked for.
    """

    text: str
    tokens_in: int
    tokens_out: int
    milliseconds: float
    first_ms: float = 0.0
    cut: bool = False
    confidence: float | None = None


DRY_WINDOW = 1024
"""Tokens that DRY looks back."""
TEMPERATURE, TOP_P, TOP_K = 0.7, 0.9, 40
"""How a file is drawn from where it is shipped: document 001's, written into every Modelfile."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """How an answer is drawn that is not the likeliest one. Equal seeds give equal answers where nothing else is asked at the same time.

    `repeat_penalty`: tokens among the last 256 become less likely by this factor; 1 = none. `dry`: weight against going on with what
    was said word for word before (llama.cpp's DRY), from `dry_allowed` tokens on; 0 = none. `as_shipped`: from the tokens that a file's
    Modelfile draws from; else from the runtime's own choice. Only own workers know them.
    """

    temperature: float
    seed: int
    repeat_penalty: float = 1.0
    dry: float = 0.0
    dry_allowed: int = 12
    as_shipped: bool = False


class RuntimeClient:
    """A synchronous client of one worker or, with `model` and perhaps `key`, of any OpenAI-compatible address."""

    def __init__(
        self, url: str, *, timeout_s: float = 120, connections: int = 8, model: str = "", key: str = ""
    ) -> None:
        limits = httpx.Limits(max_connections=connections)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.http = httpx.Client(base_url=url, timeout=timeout_s, limits=limits, headers=headers)
        # Others refuse keys that they do not know.
        self.more: dict[str, Any] = {"model": model} if model else {"cache_prompt": True}
        self.names: dict[str, str] = {}
        self.unwanted: set[str] = set()
        self.plain_token: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.http.close()

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """POST JSON, get JSON.

        Raises:
            RuntimeFailedError: the worker is gone or refuses.
        """
        try:
            response = self.http.post(path, json=body)
        except httpx.HTTPError as exc:
            raise RuntimeFailedError(
                f"the model at {self.http.base_url} did not answer ({type(exc).__name__})"
            ) from exc
        if response.status_code != httpx.codes.OK:
            raise RefusedError(
                f"the model refused {path} ({response.status_code}): {response.text[:300]}", status=response.status_code
            )
        try:
            return response.json()
        except ValueError as exc:
            raise RuntimeFailedError(f"{self.http.base_url} did not answer with JSON: {response.text[:100]!r}") from exc

    def chat(
        self,
        turns: Sequence[Turn],
        *,
        schema: dict[str, Any] | None,
        max_tokens: int = 128,
        confidence: bool = False,
        drawn: Drawn | None = None,
    ) -> Completion:
        """One answer under the served template, optionally bound to a JSON schema; greedy unless it is `drawn`.

        Raises:
            RuntimeFailedError: nobody answers; RefusedError: it does not take the request, or cannot bind an answer by the schema.
        """
        body: dict[str, Any] = {
            "messages": [{"role": turn.role, "content": turn.content} for turn in turns],
            "temperature": drawn.temperature if drawn else 0,
            "max_tokens": max_tokens,
            **({"seed": drawn.seed} if drawn else {}),
            **(penalty(drawn) if drawn and "model" not in self.more else {}),
            **self.more,
        }
        if confidence:
            body["logprobs"] = True
        if schema is not None and "model" in self.more:
            # Nobody else binds YAML; bound to JSON a model that was tuned to YAML would not know what to write.
            if schema.get(FORM) != "yaml":
                body["response_format"] = response_format(schema)
        elif schema is not None:
            body = bound_by(body, schema)
        began = time.perf_counter()
        found = completion_of(self.adapted(body), milliseconds=1000 * (time.perf_counter() - began))
        if schema is not None and "model" not in self.more:
            require_bound(found, str(schema.get(FORM, "json")))
        return found

    def adapted(self, body: dict[str, Any]) -> Any:
        """A chat completion, asked in the dialect that the address understands: what it refused once is left out from then on.

        OpenAI's reasoning models refuse `max_tokens` and any temperature but their own; others refuse keys they do not know.

        Raises:
            RuntimeFailedError: it refuses for another reason.
        """
        while True:
            spoken = {self.names.get(key, key): value for key, value in body.items() if key not in self.unwanted}
            try:
                return self.post("v1/chat/completions", spoken)
            except RefusedError as exc:
                if exc.status not in {400, 422} or not self.learns(str(exc), spoken):
                    raise

    def learns(self, refusal: str, body: Mapping[str, Any]) -> bool:
        """Whether a refusal taught something new about the address."""
        if "max_completion_tokens" in refusal and "max_tokens" in body:
            self.names["max_tokens"] = "max_completion_tokens"
            return True
        refused = next((key for key in OPTIONAL if key in body and key in refusal), None)
        if refused is None:
            return False
        if refused not in self.unwanted:  # several threads may be refused at once
            self.unwanted.add(refused)
            NOTICES.warning("%s does not take `%s`: it answers with its own", self.http.base_url, refused)
        return True

    def digest(self) -> str:
        """The digest of the model, where the address tells one as Ollama does; empty = it does not. A tag may be made anew under its name."""
        name = self.more.get("model", "")
        try:
            models = self.http.get("api/tags", timeout=TELLS_WITHIN_S).json()["models"]
            found = {str(one["name"]): str(one["digest"]) for one in models}
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            return ""
        return found.get(name) or found.get(f"{name}:latest", "")

    def render(self, turns: Sequence[Turn]) -> str:
        """The prompt as the server's own copy of the template renders it."""
        body = {"messages": [{"role": turn.role, "content": turn.content} for turn in turns]}
        return str(self.post("apply-template", body)["prompt"])

    def tokenize(self, text: str, *, add_special: bool = False) -> list[int]:
        """Token ids as the served file splits text; `add_special` adds what it puts in front of every prompt."""
        body = {"content": text, "add_special": add_special, "parse_special": True}
        ids: list[int] = self.post("tokenize", body)["tokens"]
        return ids

    def prompt_ids(self, turns: Sequence[Turn]) -> list[int]:
        """The tokens the model reads when it is asked for the next answer of a chat.

        The server leaves a leading begin-of-text token out of the rendered text and adds it when it tokenises.
        """
        return self.tokenize(self.render(turns), add_special=True)

    def next_log_probabilities(self, ids: Sequence[int], *, top: int = 20) -> dict[int, float]:
        """Natural log-probabilities of the likeliest next tokens after `ids`.

        The token that the server then picks is forced to a plain one (the probabilities are those before that): of a
        picked token that is half a character it would report nothing.
        """
        if self.plain_token is None:
            self.plain_token = self.tokenize("a")[-1]
        body = {
            "prompt": list(ids),
            "n_predict": 1,
            "n_probs": top,
            "temperature": 0,
            "logit_bias": [[self.plain_token, 1000.0]],
            **self.more,
            "cache_prompt": False,
        }
        probabilities = self.post("completion", body).get("completion_probabilities") or []
        top_tokens = probabilities[0]["top_logprobs"] if probabilities else []
        return {entry["id"]: float(entry["logprob"]) for entry in top_tokens}

    def ends_at(self, ids: Sequence[int], token: int) -> bool:
        """Whether an answer is over when `token` is picked; it is forced to be picked here."""
        body = {
            "prompt": list(ids),
            "n_predict": 2,
            "temperature": 0,
            "cache_prompt": False,
            "logit_bias": [[token, 1000.0]],
        }
        return bool(self.post("completion", body).get("stop_type") == "eos")

    def generation_speed(self, ids: Sequence[int], *, tokens: int) -> float:
        """Tokens a second of a greedy answer to `ids` that is not allowed to end early."""
        body = {"prompt": list(ids), "n_predict": tokens, "temperature": 0, "ignore_eos": True, "cache_prompt": False}
        self.post("completion", body)  # the first one warms up
        return float(self.post("completion", body).get("timings", {}).get("predicted_per_second", 0))


def require_bound(answer: Completion, form: str = "json") -> None:
    """An own worker that cannot compile a grammar says so in its log alone, and answers as if there were none.

    Raises:
        RefusedError: the whole answer is no JSON; where `form` is `yaml`, nor YAML with fields, which many a sentence is too.
    """
    if answer.cut or (form == "yaml" and read_yaml(answer.text) is not None):
        return
    try:
        json.loads(answer.text)
    except (ValueError, RecursionError) as exc:
        remedy = "plainer patterns and lengths in the schema; the worker's log says what it does not take"
        raise RefusedError(
            "the model's grammar engine did not take the schema: nothing bound its answer",
            status=httpx.codes.OK,
            remedy=remedy,
        ) from exc


def penalty(drawn: Drawn) -> dict[str, float]:
    """llama.cpp's keys."""
    repeat = {} if drawn.repeat_penalty == 1 else {"repeat_penalty": drawn.repeat_penalty, "repeat_last_n": 256}
    dry = {"dry_multiplier": drawn.dry, "dry_allowed_length": drawn.dry_allowed, "dry_penalty_last_n": DRY_WINDOW}
    # Ollama has no least probability where a Modelfile names none; llama-server has 0.05.
    shipped = {"top_p": TOP_P, "top_k": TOP_K, "min_p": 0.0}
    return {**repeat, **(dry if drawn.dry else {}), **(shipped if drawn.as_shipped else {})}


def completion_of(reply: Any, *, milliseconds: float) -> Completion:
    """A chat completion's body. llama.cpp times itself; of others the wall clock counts.

    Raises:
        RuntimeFailedError: it is no chat completion.
    """
    try:
        choice, usage, timings = reply["choices"][0], reply.get("usage") or {}, reply.get("timings") or {}
        first = float(timings.get("prompt_ms", 0))
        text = content_text(choice["message"].get("content")).encode(errors="replace").decode()  # half characters
        return Completion(
            text=strip_thinking(text),
            tokens_in=int(usage.get("prompt_tokens") or 0),
            tokens_out=int(usage.get("completion_tokens") or 0),
            first_ms=first,
            cut=choice.get("finish_reason") == "length",
            milliseconds=first + float(timings.get("predicted_ms", 0)) if timings else milliseconds,
            confidence=product(choice.get("logprobs")),
        )
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as exc:
        raise RuntimeFailedError(f"not a chat completion: {str(reply)[:200]}") from exc


def content_text(content: Any) -> str:
    """The text of a message: a string, parts of which the texts count, or nothing at all.

    Raises:
        TypeError: something else.
    """
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(str(p["text"]) for p in content if isinstance(p, dict) and isinstance(p.get("text"), str))
    msg = f"content is {type(content).__name__}"
    raise TypeError(msg)


def product(logprobs: Any) -> float | None:
    """Of the probabilities of an answer's tokens; None where they were not asked for."""
    if not logprobs or not logprobs.get("content"):
        return None
    return math.exp(sum(float(token["logprob"]) for token in logprobs["content"]))
