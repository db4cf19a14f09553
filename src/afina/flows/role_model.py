"""A model that answers as a role: opened once, asked many times, and what it answered is kept, so that an interrupted search or
generation goes on where it was.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import astuple, dataclass, field
from hashlib import blake2b
from pathlib import Path
from threading import Lock
from typing import Any

from afina.chat import defuse_turns
from afina.errors import InputError, RuntimeFailedError
from afina.evaluate.arms import file_hash
from afina.files import NOTICES
from afina.flows.base_file import base_gguf
from afina.flows.sources import key_for
from afina.progress import Tell, unheard
from afina.records import Turn
from afina.runtime import Drawn, RuntimeClient, Worker, gguf_facts, start_worker
from afina.runtime.client import RefusedError
from afina.settings import Settings
from afina.store.paths import disk_errors

CONTEXT = 4096
"""Tokens of prompt and answer: instructions, schema, some examples and a document."""
NEVER = frozenset({401, 403, 404})
"""A key that is missing, a model that is not there: no question will be answered."""
MOST_FAILED = 12
"""Questions in a row without an answer after which nobody is taken to be there."""
OLLAMA = "http://127.0.0.1:11434/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One question as a model reads it. `schema` binds the answer; `drawn` None = the likeliest answer."""

    turns: tuple[Turn, ...]
    max_tokens: int
    schema: Mapping[str, Any] | None = None
    drawn: Drawn | None = None

    def key(self, model: str) -> str:
        """Equal for what a model answers equally."""
        told = [(turn.role, turn.content) for turn in self.turns]
        drawn = astuple(self.drawn) if self.drawn else None
        content = json.dumps([model, told, self.max_tokens, self.schema, drawn], ensure_ascii=False, sort_keys=True)
        return blake2b(content.encode(), digest_size=12).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer; `error` says why there is none. `cut`: its tokens ran out."""

    text: str = ""
    error: str = ""
    cut: bool = False
    tokens: int = 0
    seconds: float = 0.0


@dataclass
class RoleModel:
    """`asked`: answers that the model gave; `reused`: those that it was not asked for again, `from_before`: of an earlier call, by their keys
    in `before`. `context`: tokens that a question and its answer may have together; 0 = nobody knows, the model is elsewhere.
    """

    client: RuntimeClient
    name: str
    kept: Path | None
    worker: Worker | None = None
    control: Any = None
    connections: int = 1
    context: int = 0
    known: dict[str, Reply] = field(default_factory=dict)
    before: frozenset[str] = frozenset()
    lock: Lock = field(default_factory=Lock)
    asked: int = 0
    reused: int = 0
    from_before: int = 0
    failed: int = 0

    def ask(self, ask: Ask) -> Reply:
        """One answer. What the model refuses, or has no time for, is a reply with its reason.

        Raises:
            RuntimeFailedError: it is not there any more, or answers nobody without a key.
        """
        key = ask.key(self.name)
        with self.lock:
            if key in self.known:
                self.reused += 1
                self.from_before += key in self.before
                return self.known[key]
        turns = defuse_turns(ask.turns, self.control) if self.control is not None else ask.turns
        try:
            schema = None if ask.schema is None else dict(ask.schema)
            found = self.client.chat(turns, schema=schema, max_tokens=ask.max_tokens, drawn=ask.drawn)
        except RefusedError as exc:  # somebody is there
            if exc.status in NEVER:
                remedy = "is the model's name behind # right, and its key in AFINA_KEY_ROLE?"
                raise RefusedError(str(exc), status=exc.status, remedy=remedy) from exc
            return Reply(error=str(exc))
        except RuntimeFailedError as exc:
            self.failed += 1
            if (self.worker is not None and not self.worker.alive()) or self.failed > MOST_FAILED:
                raise
            return Reply(error=str(exc))
        self.failed = 0
        reply = Reply(text=found.text, cut=found.cut, tokens=found.tokens_out, seconds=found.milliseconds / 1000)
        self.keep(key, reply)
        return reply

    def keep(self, key: str, reply: Reply) -> None:
        """Remember an answer, also on the disk."""
        with self.lock:
            self.asked += 1
            self.known[key] = reply
            if self.kept is not None:
                row = {"key": key, **{name: getattr(reply, name) for name in Reply.__slots__}}
                with disk_errors(self.kept), self.kept.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(row, ensure_ascii=False) + "\n")

    def ask_all(self, asks: Sequence[Ask], tell: Tell = unheard) -> list[Reply]:
        """Many, as many at once as the model answers, in their order; what stands among them twice is asked once.

        Raises:
            RuntimeFailedError: it is not there any more.
        """
        keys = [ask.key(self.name) for ask in asks]
        with ThreadPoolExecutor(self.connections) as pool:
            waiting = {key: pool.submit(self.ask, ask) for key, ask in dict(zip(keys, asks, strict=True)).items()}
            try:
                for done, future in enumerate(as_completed(waiting.values()), start=1):
                    future.result()
                    tell(done, len(waiting), "")
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return [waiting[key].result() for key in keys]


def read_kept(path: Path | None) -> dict[str, Reply]:
    """Answers of earlier calls; a line that was torn by a kill is none."""
    found = {}
    if path is not None and path.is_file():
        for line in path.read_bytes().splitlines():
            try:
                row = json.loads(line)
                key = row.pop("key")
                found[key] = Reply(**row)
            except (ValueError, KeyError, TypeError, AttributeError):
                continue
    return found


@contextmanager
def open_model(source: str, settings: Settings, folder: Path, *, kept: str = "") -> Iterator[RoleModel]:
    """A model by its source: a .gguf, a base (folder, `smollm2`, hub id), `ollama:NAME`, or an address with its model.

    Args:
        folder: for logs and made files.
        kept: name of the file below `folder` in which answers are kept; empty = nowhere.

    Raises:
        InputError, ModelError, RuntimeFailedError: there is no such model, or it does not load.
    """
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / kept if kept else None
    if place is not None and place.is_file() and not place.read_bytes().endswith(b"\n"):
        with place.open("ab") as file:
            file.write(b"\n")  # a kill tore the last line: the next one begins anew
    known = read_kept(place)
    timeout = settings.evaluate.timeout_s
    source = source_of(source)
    if source.startswith(("http://", "https://")):
        url, _, model = source.partition("#")
        key = key_for("role", url, os.environ)
        with RuntimeClient(
            url.rstrip("/").removesuffix("/v1"), timeout_s=timeout, model=model or "default", key=key
        ) as client:
            name = f"{source} {client.digest()[:12]}".rstrip()  # a tag may be made anew too
            model_there = RoleModel(
                client=client, name=name, kept=place, known=known, before=frozenset(known), connections=4
            )
            yield model_there
        if model_there.from_before and name == source:  # nothing says whether it is still the same
            note = f"{model_there.from_before} answers of {source} were kept from before"
            NOTICES.warning("%s: if another model answers there now, remove %s, with the answers of all", note, place)
        return
    gguf = gguf_of(source, settings, folder)
    runtime = settings.runtime.model_copy(update={"context": max(CONTEXT, settings.runtime.context)})
    with (
        start_worker(gguf, runtime, log=folder / "model.log") as worker,
        RuntimeClient(worker.url, connections=runtime.slots, timeout_s=timeout) as client,
    ):
        yield RoleModel(
            client=client,
            name=told_name(gguf, runtime.context),
            kept=place,
            worker=worker,
            control=gguf_facts(gguf).control,
            connections=runtime.slots,
            context=runtime.context,
            known=known,
        )


def told_name(gguf: Path, context: int) -> str:
    """A file's name among kept answers: it may be made anew, and an answer that one context cut off has room in another."""
    own = f"{gguf.name} {file_hash(gguf)[:12]}"
    return own if context == CONTEXT else f"{own} {context}"


def source_of(source: str) -> str:
    """`ollama:NAME` is asked where Ollama listens; all else is as it is."""
    return f"{OLLAMA}#{source.removeprefix('ollama:')}" if source.startswith("ollama:") else source


def gguf_of(source: str, settings: Settings, folder: Path) -> Path:
    """The served file of a source.

    Raises:
        InputError, ModelError: there is none.
    """
    if source.endswith(".gguf"):
        if not Path(source).is_file():
            raise InputError(f"{source}: no such file")
        return Path(source)
    wanted = settings.model_copy(update={"base": settings.base.model_copy(update={"model": source})})
    return base_gguf(wanted, folder=folder / "bases")
