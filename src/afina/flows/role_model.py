"""A model that answers as a role: opened once, asked many times, and what it answered is kept, so that an interrupted search or
generation goes on where it was.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import astuple, dataclass, field
from hashlib import blake2b
from pathlib import Path
from threading import Lock
from typing import Any

from afina.chat import COMPACT, defuse_turns
from afina.errors import InputError, RuntimeFailedError
from afina.evaluate.arms import file_hash
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
MARKS = r"{}\[\]<>|\\`\n\r\t"
"""What a text of prose has none of."""
WORD_END, SENTENCE_END = rf"[^{MARKS} ,;:(¿¡#-]", "[.!?]"
"""How it ends."""
ANY, ONE = rf"[^{MARKS}]", rf"([^{MARKS}.!?]|[0-9][.][0-9])"
"""What it is made of: any number of sentences, or one, in which a full stop is part of a number. If it could be part of a name too, small
models would go on behind it ("orders per minute.You have no control")."""
SEVERAL, SPARE = 250, 20
"""A text that may have more characters may have several sentences, as the authored examples do. In one, a number is counted as one character:
a twentieth of its length is left for that.
"""
PATTERNED = frozenset({"pattern", "enum", "const", "format"})
"""The words of a schema that already say what a text is."""
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
    """`asked`: answers that the model gave; `reused`: those that were kept from an earlier call."""

    client: RuntimeClient
    name: str
    kept: Path | None
    worker: Worker | None = None
    control: Any = None
    connections: int = 1
    known: dict[str, Reply] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)
    asked: int = 0
    reused: int = 0
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
        """Many, as many at once as the model answers, in their order.

        Raises:
            RuntimeFailedError: it is not there any more.
        """
        with ThreadPoolExecutor(self.connections) as pool:
            waiting = [pool.submit(self.ask, ask) for ask in asks]
            try:
                for done, future in enumerate(as_completed(waiting), start=1):
                    future.result()
                    tell(done, len(asks), "")
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return [future.result() for future in waiting]


def binding(schema: Mapping[str, Any], sentences: Sequence[str] = ()) -> dict[str, Any]:
    """A role's schema as the runtime takes it: without our own notes, without optional white space, and its texts are prose (unless they
    are code): where JSON is asked for, a small base begins a title with `{{name}}` or `<ref>`, in 38 of 64 documents.

    Args:
        sentences: fields whose texts end as sentences do. Four in ten stopped in the middle of one, and a model that was tuned to those
            closed its quotes anywhere: of 35 free answers 7 were not valid.
    """
    own = {name: value for name, value in schema.items() if not name.startswith("x-")}
    return {"x-guidance": COMPACT, **(own if schema.get("x-code") else prose(own, frozenset(sentences)))}


def prose(schema: Mapping[str, Any], sentences: frozenset[str], field: str = "") -> dict[str, Any]:
    """A schema whose texts have no braces, brackets, markup or line breaks, and do not stop at a comma."""
    if schema.get("type") == "string":
        end = SENTENCE_END if field in sentences else WORD_END
        return dict(schema) if PATTERNED.intersection(schema) else ended(schema, end)
    inner = {name: prose(one, sentences, name) for name, one in schema.get("properties", {}).items()}
    items = {"items": prose(schema["items"], sentences, field)} if isinstance(schema.get("items"), Mapping) else {}
    return {**schema, **({"properties": inner} if inner else {}), **items}


def ended(text: Mapping[str, Any], end: str) -> dict[str, Any]:
    """A text with its end: where its sentence is over, unless it may be long. Without that a small base writes on until the length
    cuts it off, three in four of an analyst's constraints, and what is tuned on such texts learns no end: it goes round in circles.

    The length is part of the pattern: llguidance refuses many a pattern beside a length ("unable to determine if regex is empty").
    """
    least, most = text.get("minLength", 0), text.get("maxLength")
    of, spare = (ANY, 0) if most is None or most > SEVERAL else (ONE, most // SPARE)
    times = f"{{{max(0, least - 1)},{'' if most is None else most - 1 - spare}}}"
    rest = {name: value for name, value in text.items() if name not in {"minLength", "maxLength"}}
    return {**rest, "pattern": f"^{of}{times}{'[.]?' if spare else ''}{end}$"}


def naming(schema: Mapping[str, Any], known: Sequence[str], field: str = "") -> dict[str, Any]:
    """A bound schema in which a part may name only ids that are known: small models name requirements that nobody wrote. Ids of which none
    is known, because the answer gives them itself, stay as they are.
    """
    if schema.get("type") == "string":
        pattern = schema.get("pattern", "")
        fits = [one for one in known if pattern and field != "id" and re.fullmatch(pattern, one)]
        return {"type": "string", "enum": fits} if fits and pattern.endswith("[0-9]{3}$") else dict(schema)
    inner = {name: naming(one, known, name) for name, one in schema.get("properties", {}).items()}
    items = {"items": naming(schema["items"], known, field)} if isinstance(schema.get("items"), Mapping) else {}
    return {**schema, **({"properties": inner} if inner else {}), **items}


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
            yield RoleModel(client=client, name=name, kept=place, known=known, connections=4)
        return
    gguf = gguf_of(source, settings, folder)
    runtime = settings.runtime.model_copy(update={"context": max(CONTEXT, settings.runtime.context)})
    with (
        start_worker(gguf, runtime, log=folder / "model.log") as worker,
        RuntimeClient(worker.url, connections=runtime.slots, timeout_s=timeout) as client,
    ):
        yield RoleModel(
            client=client,
            name=f"{gguf.name} {file_hash(gguf)[:12]}",  # a file may be made anew under its name
            kept=place,
            worker=worker,
            control=gguf_facts(gguf).control,
            connections=runtime.slots,
            known=known,
        )


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
