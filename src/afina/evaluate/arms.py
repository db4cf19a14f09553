"""Who answers the questions: a served GGUF, an address, a file of answers, or a lookup that only knows the training examples.

An open list: an arm is a name, a source to write down, and something that can be asked.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import httpx

from afina.chat import defuse_turns
from afina.chat.render import Renderer
from afina.errors import InputError
from afina.evaluate.likelihood import WEIGHED_TOKENS, mean_log_likelihood
from afina.progress import Tell
from afina.records import EvalItem, EvalSet, Output, Part, Turn
from afina.runtime import Completion, Drawn, RuntimeClient, TextNotWeighedError, gguf_facts, start_weigher, start_worker
from afina.runtime.grammar import in_form
from afina.settings import RuntimeSettings

Weight = float | str
"""Mean log-likelihood of an expected answer, nats per token; or why it could not be had."""
Pair = tuple[str, str]
"""A training example: the message and its answer."""
TARGET = frozenset({Part.TARGET})
GUARD_TOKENS = 96
"""Longest answer to a safety or forgetting item: they ask for a few words, and a model that goes on is not asked to finish."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedArm:
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
    open: Callable[[EvalSet], AbstractContextManager[OpenedArm]]
    weigh: Callable[[Sequence[EvalItem], Tell], dict[str, Weight]] = lambda _items, _tell: {}
    """Item → how likely its expected answer is, of the items that are weighed. Before `open`, so that the two compute one after the other."""
    parts: frozenset[Part] | None = None


class Nearest:
    """The k training examples whose messages are nearest to an item's: TF-IDF of character pieces, cosine."""

    def __init__(self, pairs: Sequence[Pair], *, k: int) -> None:
        if not pairs:
            raise InputError("nearest examples need training examples")
        self.pairs, self.k = list(pairs), k
        from sklearn.feature_extraction.text import TfidfVectorizer  # 0.8 s: only where examples are looked for

        self.pieces = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
        self.known = self.pieces.fit_transform([message for message, _ in pairs])

    def source(self) -> dict[str, Any]:
        """What a record says of the examples."""
        content = blake2b(repr(self.pairs).encode(), digest_size=16).hexdigest()
        return {"nearest": self.k, "examples": len(self.pairs), "examples_blake2b": content}

    def of(self, item: EvalItem) -> list[Pair]:
        """The k nearest pairs, most similar last."""
        near = (self.pieces.transform([item.question]) @ self.known.T).toarray()[0]
        return [self.pairs[int(at)] for at in near.argsort(kind="stable")[::-1][: self.k]][::-1]


def as_turns(pairs: Sequence[Pair]) -> tuple[Turn, ...]:
    """Examples as earlier turns of a chat."""
    return tuple(turn for message, answer in pairs for turn in (Turn("user", message), Turn("assistant", answer)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """How a model is asked.

    Args:
        system: prompt before the items of the target part that bring none.
        nearest: training examples that are shown as earlier turns, on the target part; `shown`: the same ones for every item.
        drawn: how answers to the target part are drawn; None = the likeliest ones.
        form: how a structure is written that a schema binds, `json` or `yaml`: a model writes what it was tuned to.
        renderer: the model's; with it expected answers are weighed: of the target part if `weighs`, and of the forgetting
            part always.
        writes: answers are written; otherwise the target part is only weighed.
    """

    max_tokens: int
    timeout_s: float = 120.0
    system: str = ""
    nearest: Nearest | None = None
    shown: tuple[Pair, ...] = ()
    drawn: Drawn | None = None
    form: str = "json"
    renderer: Renderer | None = None
    weighs: bool = False
    writes: bool = True
    parts: frozenset[Part] | None = None

    def turns(self, item: EvalItem) -> tuple[Turn, ...]:
        """The item's chat as the model reads it. Prompt and examples are of the target task: other parts are asked as they are."""
        if item.part is not Part.TARGET or not item.turns:
            return item.turns
        own = item.turns[0].role == "system"
        system = item.turns[:1] if own else ((Turn("system", self.system),) if self.system else ())
        near = self.nearest.of(item) if self.nearest else ()
        return (*system, *as_turns([*self.shown, *near]), *item.turns[own:])

    def binding(self, eval_set: EvalSet, item: EvalItem) -> dict[str, Any] | None:
        """What binds the answer to an item, in the model's form."""
        schema = eval_set.binding(item)
        return None if schema is None else in_form(schema, self.form)

    def is_weighed(self, item: EvalItem) -> bool:
        """Whether the likelihood of the item's expected answer is measured."""
        wanted = item.part is Part.FORGETTING or (self.weighs and item.part is Part.TARGET)
        return bool(self.renderer and item.expected and wanted)

    def is_written(self, item: EvalItem) -> bool:
        """Whether an answer is written."""
        return bool(item.turns) and (self.writes or item.part is not Part.TARGET)

    def tokens(self, item: EvalItem) -> int:
        """Tokens that an answer may have, whoever gives it."""
        guarded = item.part in {Part.SAFETY, Part.FORGETTING}
        return min(self.max_tokens, GUARD_TOKENS) if guarded else self.max_tokens

    def source(self) -> dict[str, Any]:
        """What a record says of it."""
        return {
            "max_tokens": self.max_tokens,
            "guard_tokens": GUARD_TOKENS,
            "system": self.system,
            **({"shown": list(map(list, self.shown))} if self.shown else {}),
            **({"drawn": asdict(self.drawn)} if self.drawn else {}),
            **({"form": self.form} if self.form != "json" else {}),
            **({"weighed_tokens": WEIGHED_TOKENS, "weighs_target": self.weighs} if self.renderer else {}),
            **(self.nearest.source() if self.nearest else {}),
        }


def gguf_arm(name: str, gguf: Path, settings: RuntimeSettings, asking: Asking, *, log: Path) -> Arm:
    """A GGUF as it will be served, in a worker of its own."""

    @contextmanager
    def opened(eval_set: EvalSet) -> Iterator[OpenedArm]:
        control = gguf_facts(gguf).control
        with (
            start_worker(gguf, settings, log=log) as worker,
            RuntimeClient(worker.url, connections=settings.slots, timeout_s=asking.timeout_s) as client,
        ):

            def ask(item: EvalItem) -> Output:
                turns = defuse_turns(asking.turns(item), control)
                if not asking.is_written(item):
                    return Output(item=item.id)
                schema = asking.binding(eval_set, item)
                drawn = asking.drawn if item.part is Part.TARGET else None
                found = client.chat(
                    turns,
                    schema=schema,
                    max_tokens=asking.tokens(item),
                    confidence=schema is not None,
                    drawn=drawn,
                )
                return output_of(item, found)

            yield OpenedArm(ask=ask, connections=settings.slots, alive=worker.alive, peak_rss_mb=worker.peak_rss_mb)

    def weigh(items: Sequence[EvalItem], tell: Tell) -> dict[str, Weight]:
        weighed = [item for item in items if asking.is_weighed(item)]
        if not weighed or asking.renderer is None:
            return {}
        control, found = gguf_facts(gguf).control, dict[str, Weight]()
        with start_weigher(gguf, settings, log=log.with_suffix(".weigher.log")) as ask:
            for done, item in enumerate(weighed, start=1):
                turns = defuse_turns(asking.turns(item), control)
                try:
                    found[item.id] = mean_log_likelihood(ask, asking.renderer, turns, item.expected)
                except TextNotWeighedError as exc:
                    found[item.id] = str(exc)
                tell(done, len(weighed), f"{name}: likelihoods")
        return found

    source = {"kind": "gguf", "file": gguf.name, "blake2b": file_hash(gguf), "context": settings.context}
    return Arm(name=name, source=source | asking.source(), open=opened, weigh=weigh, parts=asking.parts)


def output_of(item: EvalItem, found: Completion) -> Output:
    """A completion as an output."""
    return Output(
        item=item.id,
        text=found.text,
        cut=found.cut,
        milliseconds=found.milliseconds,
        first_ms=found.first_ms,
        tokens_in=found.tokens_in,
        tokens_out=found.tokens_out,
        confidence=found.confidence,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where an OpenAI-compatible server listens (`…/v1` or without), which model is asked, and the key; `digest`: what that model is, where
    it is known.
    """

    url: str
    model: str = ""
    key: str = ""
    digest: str = ""
    connections: int = 4


def url_arm(name: str, address: Address, asking: Asking) -> Arm:
    """A model behind any OpenAI-compatible address."""

    @contextmanager
    def opened(eval_set: EvalSet) -> Iterator[OpenedArm]:
        with RuntimeClient(
            address.url.rstrip("/").removesuffix("/v1"),
            timeout_s=asking.timeout_s,
            connections=address.connections,
            model=address.model or "default",
            key=address.key,
        ) as client:

            def ask(item: EvalItem) -> Output:
                schema = asking.binding(eval_set, item)
                drawn = asking.drawn if item.part is Part.TARGET else None
                found = client.chat(asking.turns(item), schema=schema, max_tokens=asking.tokens(item), drawn=drawn)
                return output_of(item, found)

            yield OpenedArm(ask=ask, connections=address.connections)

    place = httpx.URL(address.url).copy_with(username=None, password=None)  # a record is shown to others
    source = {"kind": "url", "url": str(place), "model": address.model}
    source |= {"digest": address.digest} if address.digest else {}
    return Arm(name=name, source=source | asking.source(), open=opened)


def answers_arm(name: str, file: Path, answers: Mapping[str, str]) -> Arm:
    """Answers that were given elsewhere, by item id.

    Raises (when opened):
        InputError: items are missing; names them.
    """

    @contextmanager
    def opened(eval_set: EvalSet) -> Iterator[OpenedArm]:
        if missing := [item.id for item in eval_set.items if item.id not in answers]:
            some = ", ".join(map(repr, missing[:3])) + (" …" if len(missing) > 3 else "")
            raise InputError(
                f"{file}: no answers to {len(missing)} items: {some}",
                remedy="an answer that failed is an empty text; `--write-set F` writes all items that are asked",
            )
        yield OpenedArm(ask=lambda item: Output(item=item.id, text=answers[item.id]))

    content = "\n".join(f"{identity}\t{text}" for identity, text in sorted(answers.items()))
    mark = blake2b(content.encode(), digest_size=16).hexdigest()
    return Arm(name=name, source={"kind": "answers", "file": file.name, "blake2b": mark}, open=opened)


def lookup_arm(name: str, nearest: Nearest) -> Arm:
    """The baseline: the answer that was given to the most similar training message. It knows nothing of the other parts."""

    @contextmanager
    def opened(_: EvalSet) -> Iterator[OpenedArm]:
        yield OpenedArm(ask=lambda item: Output(item=item.id, text=nearest.of(item)[-1][1]))

    return Arm(name=name, source={"kind": "nearest answer", **nearest.source()}, open=opened, parts=TARGET)


def file_hash(path: Path) -> str:
    """Content hash, read in pieces."""
    digest = blake2b(digest_size=16)
    with path.open("rb") as file:
        while piece := file.read(1 << 22):
            digest.update(piece)
    return digest.hexdigest()
