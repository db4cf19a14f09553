"""Base models that are on this machine, and what each can do here."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from huggingface_hub import scan_cache_dir
from huggingface_hub.errors import CacheNotFound

from afina.bases import check_folder, ollama, semilla
from afina.bases.folder import count_weights, read_config, weights_of
from afina.bases.memory import available_memory
from afina.bases.packages import package_gguf, pinned
from afina.bases.pull import home
from afina.errors import AfinaError
from afina.flows.ollama_notices import ollama_notices
from afina.runtime.gguf_file import gguf_facts
from afina.settings import TrainSettings
from afina.store.paths import MANIFEST, read_json
from afina.train.plan import GGUF, Variant, ram_bytes
from afina.train.shape import read_model_config, shape_of

PASS = (1024, 128)
"""Tokens and supervised rows of one pass, for which memory is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineBase:
    """A base by the name that commands take. `size` in bytes on disk, `memory` in bytes while it is trained.

    `trains` is whether this machine can; `why` says why not, "" where it can. `notices`: what of it is left out here.
    """

    name: str
    path: str = ""
    architecture: str = ""
    type: str = ""
    weights: int = 0
    size: int = 0
    memory: float = 0.0
    serves: bool = False
    trains: bool = False
    why: str = ""
    notices: tuple[str, ...] = ()


def machine_bases(settings: TrainSettings) -> list[MachineBase]:
    """Every base that is found without being told where to look."""
    free = available_memory()
    return [look(name, path, settings, free=free) for name, path in named_bases()]


def named_bases() -> Iterator[tuple[str, Path | AfinaError]]:
    """Name → folder or GGUF: built in, from packages, pulled, from the hub's cache, from Ollama's stores."""
    yield semilla.NAME, semilla.FOLDER
    for name, package in pinned().items():
        yield name, found_or_error(partial(package_gguf, name, package))
    known = {package.folder for package in pinned().values()}
    for manifest in sorted(home().glob(f"*/{MANIFEST}")):
        if manifest.parent not in known:
            inside = next(manifest.parent.glob("*.gguf"), manifest.parent)
            yield str(read_json(manifest).get("name", manifest.parent.name)), inside
    yield from hub_cache()
    for store in ollama.stores():
        for name in ollama.names(store):
            yield f"{ollama.PREFIX}{name}", found_or_error(partial(ollama_gguf, name))


def ollama_gguf(name: str) -> Path:
    """The file of one of Ollama's models."""
    return ollama.find_ollama(name).gguf


def found_or_error(find: Callable[[], Path]) -> Path | AfinaError:
    """A path, or why there is none."""
    try:
        return find()
    except AfinaError as exc:
        return exc


def hub_cache() -> Iterator[tuple[str, Path]]:
    """Models in the hub's own cache."""
    try:
        repos = sorted(scan_cache_dir().repos, key=lambda repo: repo.repo_id)
    except (CacheNotFound, OSError, ValueError):
        return
    for repo in repos:
        newest = max(repo.revisions, key=lambda revision: revision.last_modified, default=None)
        if repo.repo_type == "model" and newest is not None and (newest.snapshot_path / "config.json").is_file():
            yield repo.repo_id, newest.snapshot_path


def look(name: str, found: Path | AfinaError, settings: TrainSettings, *, free: float) -> MachineBase:
    """What a base is, and whether this machine trains it."""
    about = MachineBase(name=name)
    try:
        if isinstance(found, AfinaError):
            raise found
        about = of_file(name, found) if found.is_file() else of_folder(name, found)
        about = replace(about, notices=tuple(ollama_notices(name)))
        shape = shape_of(read_model_config(found))
        storage = GGUF if shape.stored_bits else settings.storage
        ways = (settings.training.gradient_checkpointing, True)  # where memory is short activations are made again
        needs = [ram_bytes(shape, settings, PASS, Variant(storage, again)) for again in ways]
        memory = next((need for need in needs if need <= free), needs[-1])
    except AfinaError as exc:
        return replace(about, why=f"{exc}; {exc.remedy}" if exc.remedy else str(exc))
    if memory > free:
        return replace(about, memory=memory, why=f"{memory / 1e9:.1f} GB to train, {free / 1e9:.1f} GB are free")
    return replace(about, memory=memory, trains=True)


def of_file(name: str, file: Path) -> MachineBase:
    """A GGUF."""
    facts = gguf_facts(file)
    return MachineBase(
        name=name,
        path=str(file),
        architecture=facts.architecture,
        type=facts.kind,
        weights=facts.parameters,
        size=facts.size,
        serves=True,
    )


def of_folder(name: str, folder: Path) -> MachineBase:
    """A model folder; it is served after an export."""
    check_folder(folder)
    return MachineBase(
        name=name,
        path=str(folder),
        architecture=str(read_config(folder)["model_type"]),
        type="safetensors",
        weights=count_weights(folder),
        size=sum(file.stat().st_size for file in weights_of(folder)),
    )
