"""Talks to one llama.cpp server: the calls that evaluation and the parity check need."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx

from afina.errors import RuntimeFailedError
from afina.records import Turn


@dataclass(frozen=True, slots=True)
class Completion:
    """An answer and what it cost. `confidence` is the product of the answer tokens' probabilities."""

    text: str
    tokens_in: int
    tokens_out: int
    milliseconds: float
    confidence: float | None = None


class RuntimeClient:
    """A synchronous client of one worker."""

    def __init__(self, url: str, *, timeout_s: float = 120, connections: int = 8) -> None:
        limits = httpx.Limits(max_connections=connections)
        self.http = httpx.Client(base_url=url, timeout=timeout_s, limits=limits)

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
            raise RuntimeFailedError(f"the model worker stopped answering ({type(exc).__name__})") from exc
        if response.status_code != httpx.codes.OK:
            raise RuntimeFailedError(f"the model worker refused {path}: {response.text[:300]}")
        return response.json()

    def chat(self, turns: Sequence[Turn], *, schema: dict[str, Any] | None, max_tokens: int = 128) -> Completion:
        """One greedy answer under the served template, optionally bound to a JSON schema."""
        body: dict[str, Any] = {
            "messages": [{"role": turn.role, "content": turn.content} for turn in turns],
            "temperature": 0,
            "max_tokens": max_tokens,
            "cache_prompt": True,
        }
        if schema is not None:
            body["response_format"] = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
        reply = self.post("/v1/chat/completions", body)
        usage, timings = reply["usage"], reply.get("timings", {})
        return Completion(
            text=reply["choices"][0]["message"]["content"] or "",
            tokens_in=usage["prompt_tokens"],
            tokens_out=usage["completion_tokens"],
            milliseconds=float(timings.get("prompt_ms", 0)) + float(timings.get("predicted_ms", 0)),
        )

    def render(self, turns: Sequence[Turn]) -> str:
        """The prompt as the server's own copy of the template renders it."""
        body = {"messages": [{"role": turn.role, "content": turn.content} for turn in turns]}
        return str(self.post("/apply-template", body)["prompt"])

    def tokenize(self, text: str, *, add_special: bool = False) -> list[int]:
        """Token ids as the served file splits text; `add_special` adds what it puts in front of every prompt."""
        body = {"content": text, "add_special": add_special, "parse_special": True}
        ids: list[int] = self.post("/tokenize", body)["tokens"]
        return ids

    def prompt_ids(self, turns: Sequence[Turn]) -> list[int]:
        """The tokens the model reads when it is asked for the next answer of a chat.

        The server leaves a leading begin-of-text token out of the rendered text and adds it when it tokenises.
        """
        return self.tokenize(self.render(turns), add_special=True)

    def next_log_probabilities(self, ids: Sequence[int], *, top: int = 20) -> dict[int, float]:
        """Natural log-probabilities of the likeliest next tokens after `ids`."""
        body = {"prompt": list(ids), "n_predict": 1, "n_probs": top, "temperature": 0, "cache_prompt": False}
        reply = self.post("/completion", body)
        probabilities = reply.get("completion_probabilities") or []
        return (
            {entry["id"]: float(entry["logprob"]) for entry in probabilities[0]["top_logprobs"]}
            if probabilities
            else {}
        )

    def generation_speed(self, ids: Sequence[int], *, tokens: int) -> float:
        """Tokens a second of a greedy answer to `ids` that is not allowed to end early."""
        body = {"prompt": list(ids), "n_predict": tokens, "temperature": 0, "ignore_eos": True, "cache_prompt": False}
        self.post("/completion", body)  # the first one warms up
        return float(self.post("/completion", body).get("timings", {}).get("predicted_per_second", 0))
