"""Every path the product reads or writes below a project folder, and the two ways a file becomes whole."""

import errno
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import Any

from afina.errors import DiskFullError, StoreError

MANIFEST = "manifest.json"


BY_ID = ("runs", "models", "datasets", "evaluations")
"""Folders whose entries are named by the id of a record."""
KEPT = (*BY_ID, "bases", "learn", "exports", "spool", "privacy", "vault", "reports", "ledger", "roles")
"""Folders that a backup takes along."""


@dataclass(frozen=True, slots=True)
class Paths:
    """The layout of `.afina/` beside `afina.toml`, and of the folder that `afina learn` fills (`below` is empty then)."""

    project: Path
    below: str = ".afina"

    @property
    def data(self) -> Path:
        """Everything the product keeps for this project."""
        return self.project / self.below

    @property
    def database(self) -> Path:
        """State, lock, log and secrets of the embedded server (the cluster itself may live elsewhere, see cluster)."""
        return self.data / "database"

    @property
    def logs(self) -> Path:
        """One log per process."""
        return self.data / "logs"

    @property
    def spool(self) -> Path:
        """What was said and is not in the database yet."""
        return self.data / "spool"

    @property
    def privacy_key(self) -> Path:
        """What pseudonyms hang on, where no other file is named."""
        return self.data / "privacy" / "privacy.key"

    def vault(self, client: str) -> Path:
        """What a client's pseudonyms stand for."""
        return self.data / "vault" / f"{client}.jsonl"

    @property
    def backups(self) -> Path:
        """Archives written by `afina backup`."""
        return self.data / "backups"

    @property
    def bases(self) -> Path:
        """Untuned bases as served files."""
        return self.data / "bases"

    @property
    def examples(self) -> Path:
        """What a curation kept, where there is no database."""
        return self.data / "examples.jsonl"

    @property
    def rejects(self) -> Path:
        """What a curation rejected, with its reasons."""
        return self.data / "rejects.json"

    @property
    def report(self) -> Path:
        """The last report of `afina learn`."""
        return self.data / "report.json"

    @property
    def loop_reports(self) -> Path:
        """The loop's reports, a page and a text for each date."""
        return self.data / "reports"

    def run(self, run: str) -> Path:
        """Folder of one training run."""
        return self.data / "runs" / run

    def model(self, version: str) -> Path:
        """Folder of one model version."""
        return self.data / "models" / version

    def evaluation(self, dataset: str) -> Path:
        """Records of every arm on one dataset's held-out part."""
        return self.data / "evaluations" / dataset

    def dataset(self, dataset: str) -> Path:
        """Folder of one frozen dataset's files."""
        return self.data / "datasets" / dataset

    @property
    def exports(self) -> Path:
        """What was given to other trainers."""
        return self.data / "exports"

    def learn(self, name: str) -> Path:
        """Where `afina learn` works by default."""
        return self.data / "learn" / name

    @property
    def demo(self) -> Path:
        """The demo's project."""
        return self.data / "demo"

    def compared(self, name: str) -> Path:
        """Where `afina evaluate` on files keeps its records by default."""
        return self.data / "evaluate" / name

    def bench_models(self, name: str) -> Path:
        """Where `afina bench-models` keeps its records by default."""
        return self.data / "bench-models" / name

    def role(self, name: str) -> Path:
        """All that comes of a role: programs, concepts, examples, generations, ratings."""
        return self.data / "roles" / name

    @property
    def planning(self) -> Path:
        """What the chain of roles writes, as document 001 has it: beside `afina.toml`, for people."""
        return self.project / "planning"

    def record(self, kind: str, identity: str) -> Path:
        """A record of the ledger, where there is no database."""
        return self.data / "ledger" / kind / f"{identity}.json"


def private_folder(path: Path) -> Path:
    """Make a folder that only its owner may read. Parents keep their permissions."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o700)
    return path


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Translate 'no space left' and quota errors, which several libraries report each in its own way.

    Raises:
        DiskFullError: the disk or the quota is full.
    """
    try:
        yield
    except OSError as exc:
        if exc.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DiskFullError(f"no space left on the disk that holds {path}") from exc
        raise
    except Exception as exc:
        # safetensors and torch wrap the system error in types of their own.
        if "No space left" in str(exc) or "PytorchStreamWriter" in str(exc) or free_bytes(path) < 1_000_000:
            raise DiskFullError(f"no space left on the disk that holds {path}") from exc
        raise


def free_bytes(path: Path) -> int:
    """Free bytes on the disk of the nearest existing parent."""
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file so that readers see the old content or the new one, never a part."""
    raw = content.encode() if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with disk_errors(path), temporary.open("wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def free_name(path: Path) -> Path:
    """The path, or with the first number behind it under which nothing lies."""
    names = chain([path], (path.with_name(f"{path.name}-{at}") for at in count(2)))
    return next(one for one in names if not one.exists())


def write_json(path: Path, value: Any) -> None:
    """Write JSON whole."""
    write_whole(path, json.dumps(value, ensure_ascii=False, indent=2) + "\n")


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Fill a folder under a temporary name; it takes its real name only when the block ends well.

    An existing folder of that name is replaced. A crash leaves `.NAME.partial`, which `afina gc` removes.
    """
    temporary = path.with_name(f".{path.name}.partial")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        with disk_errors(path):
            yield temporary
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    old = path.with_name(
        f".{path.name}.old.partial"
    )  # deleting takes time; until it has begun, one of the two is whole
    shutil.rmtree(old, ignore_errors=True)
    if path.exists():
        path.replace(old)
    temporary.replace(path)
    shutil.rmtree(old, ignore_errors=True)


def read_json(path: Path) -> Any:
    """Read a JSON file of ours.

    Raises:
        StoreError: missing or damaged.
    """
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError as exc:
        raise StoreError(f"{path}: no such file") from exc
    except (json.JSONDecodeError, UnicodeDecodeError) as exc:
        raise StoreError(f"{path}: not readable as JSON ({exc})") from exc
