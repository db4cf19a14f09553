"""Who answers the questions: a served GGUF, an address, a file of answers, or a yardstick that only knows the training examples.

An open list: an arm is a name, a source to write down, and something that can be asked.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import httpx
from sklearn.feature_extraction.text import TfidfVectorizer

from afina.chat import defuse_turns
from afina.chat.render import Renderer
from afina.errors import InputError
from afina.records import EvalItem, EvalSet, Output, Part, Turn
from afina.runtime import Completion, RuntimeClient, gguf_facts, start_worker
from afina.settings import RuntimeSettings

Pair = tuple[str, str]
"""A training example: the message and its answer."""
TARGET = frozenset({Part.TARGET})
GUARD_TOKENS = 96
"""Longest answer to a safety or forgetting item: they ask for a few words, and a model that goes on is not asked to finish."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An arm that is ready: `ask` may be called from `connections` threads; `alive` says whether asking on makes sense."""

    ask: Callable[[EvalItem], Output]
    connections: int = 1
    alive: Callable[[], bool] = lambda: True
    peak_rss_mb: Callable[[], float | None] = lambda: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """`source` says what answers, completely enough to know it again; `open` makes it ready for one set.

    `parts`: it is asked these only; None = all. What only looks answers up has nothing to say on safety.
    """

    name: str
    source: dict[str, Any]
    open: Callable[[EvalSet], AbstractContextManager[Asked]]
    parts: frozenset[Part] | None = None


Turner = Callable[[EvalItem], Sequence[Turn]]


def longest(item: EvalItem, max_tokens: int) -> int:
    """Tokens that an answer to an item may have, whoever gives it."""
    return min(max_tokens, GUARD_TOKENS) if item.part in {Part.SAFETY, Part.FORGETTING} else max_tokens


def as_asked(item: EvalItem) -> Sequence[Turn]:
    """The item's own chat."""
    return item.turns


class Nearest:
    """The k training examples whose messages are nearest to an item's: TF-IDF of character pieces, cosine."""

    def __init__(self, pairs: Sequence[Pair], *, k: int) -> None:
        if not pairs:
            raise InputError("nearest examples need training examples")
        self.pairs, self.k = list(pairs), k
        self.pieces = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
        self.known = self.pieces.fit_transform([message for message, _ in pairs])

    def source(self) -> dict[str, Any]:
        """What a record says of the examples."""
        content = blake2b(repr(self.pairs).encode(), digest_size=16).hexdigest()
        return {"nearest": self.k, "examples": len(self.pairs), "examples_blake2b": content}

    def of(self, item: EvalItem) -> list[Pair]:
        """Nearest last."""
        near = (self.pieces.transform([item.turns[-1].content]) @ self.known.T).toarray()[0]
        return [self.pairs[int(at)] for at in near.argsort(kind="stable")[::-1][: self.k]][::-1]

    def turns(self, item: EvalItem) -> Sequence[Turn]:
        """The item's chat with the examples as earlier turns. They are of the target task: other parts are asked as they are."""
        if item.part is not Part.TARGET:
            return item.turns
        shown = [t for message, answer in self.of(item) for t in (Turn("user", message), Turn("assistant", answer))]
        system = 1 if item.turns[0].role == "system" else 0
        return (*item.turns[:system], *shown, *item.turns[system:])


def gguf_arm(
    name: str, gguf: Path, settings: RuntimeSettings, *, log: Path, max_tokens: int, timeout_s: float = 120.0, nearest: Nearest | None = None,
    likelihood: Renderer | None = None, parts: frozenset[Part] | None = None,
) -> Arm:  # fmt: skip
    """A GGUF as it will be served, in a worker of its own. With `likelihood` (the model's renderer) expected answers are weighed too."""

    @contextmanager
    def opened(eval_set: EvalSet) -> Iterator[Asked]:
        control = gguf_facts(gguf).control
        with (
            start_worker(gguf, settings, log=log) as worker,
            RuntimeClient(worker.url, connections=settings.slots, timeout_s=timeout_s) as client,
        ):

            def ask(item: EvalItem) -> Output:
                turns = defuse_turns((nearest.turns if nearest else as_asked)(item), control)
                schema = eval_set.answer_schema if item.part is Part.TARGET else None
                weight = None
                if likelihood and item.expected and item.part is Part.TARGET:
                    weight = mean_log_likelihood(client, likelihood, item)
                most = longest(item, max_tokens)
                found = client.chat(turns, schema=schema, max_tokens=most, confidence=schema is not None)
                return output_of(item, found, log_likelihood=weight)

            yield Asked(ask=ask, connections=settings.slots, alive=worker.alive, peak_rss_mb=worker.peak_rss_mb)

    source = {
        "kind": "gguf", "file": gguf.name, "blake2b": file_hash(gguf), "max_tokens": max_tokens, "guard_tokens": GUARD_TOKENS,
        "context": settings.context, "likelihood": likelihood is not None,
    }  # fmt: skip
    return Arm(name=name, source=source | (nearest.source() if nearest else {}), open=opened, parts=parts)


def output_of(item: EvalItem, found: Completion, *, log_likelihood: float | None = None) -> Output:
    """A completion as an output."""
    return Output(
        item=item.id, text=found.text, cut=found.cut, milliseconds=found.milliseconds, first_ms=found.first_ms,
        tokens_in=found.tokens_in, tokens_out=found.tokens_out, log_likelihood=log_likelihood, confidence=found.confidence,
    )  # fmt: skip


def mean_log_likelihood(client: RuntimeClient, renderer: Renderer, item: EvalItem) -> float:
    """Of the expected answer's tokens, nats a token."""
    rendered = renderer.training((*item.turns, Turn("assistant", item.expected)), only_last=True)
    behind = next((at for at, counted in enumerate(reversed(rendered.supervised)) if not counted), len(rendered.ids))
    first = len(rendered.ids) - behind
    return client.log_likelihood(rendered.ids[:first], rendered.ids[first:]) / max(1, behind)


def url_arm(
    name: str, url: str, *, model: str, max_tokens: int, key: str = "", timeout_s: float = 120.0, connections: int = 4,
    nearest: Nearest | None = None,
) -> Arm:  # fmt: skip
    """A model behind any OpenAI-compatible address (`…/v1` or without)."""

    @contextmanager
    def opened(eval_set: EvalSet) -> Iterator[Asked]:
        address = url.rstrip("/").removesuffix("/v1")
        with RuntimeClient(
            address, timeout_s=timeout_s, connections=connections, model=model or "default", key=key
        ) as client:

            def ask(item: EvalItem) -> Output:
                schema = eval_set.answer_schema if item.part is Part.TARGET else None
                turns = (nearest.turns if nearest else as_asked)(item)
                return output_of(item, client.chat(turns, schema=schema, max_tokens=longest(item, max_tokens)))

            yield Asked(ask=ask, connections=connections)

    place = httpx.URL(url).copy_with(username=None, password=None)  # a record is shown to others
    source = {"kind": "url", "url": str(place), "model": model, "max_tokens": max_tokens, "guard_tokens": GUARD_TOKENS}
    return Arm(name=name, source=source | (nearest.source() if nearest else {}), open=opened)


def answers_arm(name: str, file: Path, answers: Mapping[str, str]) -> Arm:
    """Answers that were given elsewhere, by item id.

    Raises (when opened):
        InputError: items are missing; names them.
    """

    @contextmanager
    def opened(eval_set: EvalSet) -> Iterator[Asked]:
        if missing := [item.id for item in eval_set.items if item.id not in answers]:
            some = ", ".join(map(repr, missing[:3])) + (" …" if len(missing) > 3 else "")
            raise InputError(
                f"{file}: no answers to {len(missing)} items: {some}",
                remedy="an answer that failed is an empty text; `--write-set F` writes all items that are asked",
            )
        yield Asked(ask=lambda item: Output(item=item.id, text=answers[item.id]))

    content = "\n".join(f"{identity}\t{text}" for identity, text in sorted(answers.items()))
    mark = blake2b(content.encode(), digest_size=16).hexdigest()
    return Arm(name=name, source={"kind": "answers", "file": file.name, "blake2b": mark}, open=opened)


def lookup_arm(name: str, nearest: Nearest) -> Arm:
    """The yardstick: the answer that was given to the most similar training message. It knows nothing of the other parts."""

    @contextmanager
    def opened(_: EvalSet) -> Iterator[Asked]:
        yield Asked(ask=lambda item: Output(item=item.id, text=nearest.of(item)[-1][1]))

    return Arm(name=name, source={"kind": "nearest answer", **nearest.source()}, open=opened, parts=TARGET)


def file_hash(path: Path) -> str:
    """Content hash, read in pieces."""
    digest = blake2b(digest_size=16)
    with path.open("rb") as file:
        while piece := file.read(1 << 22):
            digest.update(piece)
    return digest.hexdigest()
