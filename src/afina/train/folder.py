"""A run's folder: one trainer at a time, one set of settings."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from afina.bases.folder import weights_of
from afina.errors import TrainError
from afina.settings import TrainSettings
from afina.store.file_lock import held_file
from afina.store.paths import read_json, write_json
from afina.train.encode import Encoded


@contextmanager
def only_trainer(out: Path) -> Iterator[None]:
    """Hold the folder's lock: two trainers in one folder would take each other's files for their own.

    Raises:
        TrainError: another process is training there.
    """
    with held_file(
        out / ".lock", TrainError(f"{out}: another process is training here", remedy="wait for it, or stop it first")
    ):
        yield


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a run is made of. Two runs with equal ones end with equal weights, so one may go on where the other stopped."""

    settings: dict[str, Any]
    base: str
    """Digest of the base's configuration and weights: another model may lie under the same path."""
    start: str
    """Digest of the adapter it goes on from; empty: a fresh one."""
    data: str
    """Digest of the token ids and of what is learnt of them: text, template and tokenizer together."""


def identify(data: Encoded, settings: TrainSettings, *, base: Path, start: Path | None) -> Identity:
    """The identity of a run, by content. Reads every byte of the weights once, about a second for each gigabyte."""
    rows = blake2b(digest_size=16)
    for part in (data.train, data.validation):
        rows.update(f"{len(part)};".encode())
        for row in part:
            rows.update(f"{len(row.ids)};".encode() + np.asarray(row.ids, np.int64).tobytes() + bytes(row.supervised))
    return Identity(
        settings=settings.model_dump(mode="json"),
        base=digest_of([*([] if base.is_file() else [base / "config.json"]), *weights_of(base)]),
        start=digest_of(sorted(start.glob("adapter_*"))) if start else "",
        data=rows.hexdigest(),
    )


def digest_of(files: Sequence[Path]) -> str:
    """Digest of some files' content, in their order."""
    whole = blake2b(digest_size=16)
    for path in files:
        with path.open("rb") as file:
            whole.update(hashlib.file_digest(file, lambda: blake2b(digest_size=16)).digest())
    return whole.hexdigest()


def prepare_folder(out: Path, identity: Identity, *, resume: bool) -> None:
    """Write down what a run is made of, or make sure that a resumed run is made of the same.

    Raises:
        TrainError: the folder holds a run and `resume` was not asked for; or that run is another: says in what.
    """
    file = out / "run.json"
    if resume and file.is_file():
        if differing := differences(read_json(file), asdict(identity)):
            raise TrainError(
                f"{out}: the interrupted run had other settings, base or data: {'; '.join(differing)}",
                remedy="repeat what it was started with, or train into another folder; --resume only goes on with the same run",
            )
        return
    if not resume:
        require_free(out)
        (out / "plan.json").unlink(missing_ok=True)  # of a run that was killed before its first checkpoint
    write_json(file, asdict(identity))


WORDS = {"base": "other base weights", "start": "another adapter to go on from", "data": "other data"}


def differences(kept: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """In words, what of a run's identity has changed."""
    found = [
        f"{section}.{name} = {kept.get('settings', {}).get(section, {}).get(name)!r} (now {value!r})"
        for section, values in now["settings"].items()
        for name, value in (values.items() if isinstance(values, dict) else ())
        if kept.get("settings", {}).get(section, {}).get(name) != value
    ]
    found += [words for name, words in WORDS.items() if kept.get(name) != now[name]]
    return found or (["other settings"] if kept.get("settings") != now["settings"] else [])


def require_free(out: Path) -> None:
    """Refuse a folder with a run in it.

    Raises:
        TrainError: it holds one.
    """
    if (out / "checkpoints").exists() or (out / "adapter").exists():
        raise TrainError(f"{out}: holds a run already", remedy="use --resume to go on, or another folder")
