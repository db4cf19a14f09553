"""`NAME=SOURCE` → an arm: a .gguf, a base (folder, hub id, `semilla`), an address with its model, a file of answers."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from afina.errors import InputError
from afina.evaluate.arms import Address, Arm, Asking, Nearest, Pair, answers_arm, gguf_arm, lookup_arm, url_arm
from afina.evaluate.set_files import read_answers
from afina.flows.base_file import base_gguf
from afina.runtime import RuntimeClient
from afina.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmSettings:
    """What arms are made with: settings, the folder for logs and made files, training examples, examples in a prompt, and the
    system prompt of each arm that has one.
    """

    settings: Settings
    folder: Path
    training: Sequence[Pair] = ()
    nearest: int = 0
    system: Mapping[str, str] = field(default_factory=dict)


def read_source(text: str) -> tuple[str, str]:
    """NAME=SOURCE; without a name the source's own.

    Raises:
        InputError: it is empty.
    """
    name, equals, source = text.partition("=")
    if not equals:
        name, source = Path(text.rstrip("/")).stem or text, text
    if not name or not source:
        raise InputError(f"--arm {text!r} is not NAME=SOURCE")
    return name, source


def open_source(name: str, source: str, place: ArmSettings) -> list[Arm]:
    """The arm and, if wanted, the same model with nearest examples in its prompt.

    Raises:
        InputError, ModelError: there is no such file, model or answer.
    """
    options = place.settings.evaluate
    if is_answers(source):
        return [answers_arm(name, Path(source), read_answers(Path(source)))]
    shots = [None, Nearest(place.training, k=place.nearest)] if place.nearest and place.training else [None]
    asked = [
        Asking(
            max_tokens=options.max_tokens, timeout_s=options.timeout_s, system=place.system.get(name, ""), nearest=one
        )
        for one in shots
    ]
    if source.startswith(("http://", "https://")):
        address = open_address(name, source)
        return [url_arm(named(name, how), address, how) for how in asked]
    gguf = Path(source)
    if not source.endswith(".gguf"):
        wanted = place.settings.model_copy(update={"base": place.settings.base.model_copy(update={"model": source})})
        gguf = base_gguf(wanted, folder=place.folder / "bases")
    elif not gguf.is_file():
        raise InputError(f"{gguf}: no such file")
    return [
        gguf_arm(named(name, how), gguf, place.settings.runtime, how, log=place.folder / f"{named(name, how)}.log")
        for how in asked
    ]


def open_address(name: str, source: str) -> Address:
    """`URL#MODEL` with the key of the arm's name; it is asked what its model is."""
    url, _, model = source.partition("#")
    key = key_for(name, url, os.environ)
    with RuntimeClient(url.rstrip("/").removesuffix("/v1"), model=model or "default", key=key) as client:
        return Address(url=url, model=model, key=key, digest=client.digest())


def is_answers(source: str) -> bool:
    """Whether a source is a file of answers that were given elsewhere."""
    return source.endswith((".jsonl", ".csv", ".tsv", ".ndjson"))


def named(name: str, how: Asking) -> str:
    """The name of an arm with examples in its prompt says so."""
    return f"{name}+nearest" if how.nearest else name


def key_for(name: str, url: str, environment: Mapping[str, str]) -> str:
    """The key of an address: `AFINA_KEY_NAME` of the arm's name, else `OPENAI_API_KEY`, which goes nowhere but to OpenAI."""
    own = "AFINA_KEY_" + "".join(c if c.isalnum() else "_" for c in name.upper())
    openai = httpx.URL(url).host.endswith("openai.com") and url.startswith("https://")
    return environment.get(own) or (environment.get("OPENAI_API_KEY", "") if openai else "")


def lookup_arms(place: ArmSettings) -> list[Arm]:
    """What only looks answers up, where there are training examples."""
    return [lookup_arm("nearest-answer", Nearest(place.training, k=1))] if place.training else []
