"""A run's folder: one trainer at a time, one set of settings."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from afina.errors import TrainError
from afina.settings import TrainSettings
from afina.store.paths import read_json, write_json


@contextmanager
def only_trainer(out: Path) -> Iterator[None]:
    """Hold the folder's lock: two trainers in one folder would take each other's files for their own.

    Raises:
        TrainError: another process is training there.
    """
    out.mkdir(parents=True, exist_ok=True)
    with (out / ".lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise TrainError(
                f"{out}: another process is training here", remedy="wait for it, or stop it first"
            ) from exc
        yield


def prepare_folder(
    out: Path, settings: TrainSettings, *, base: Path, start: Path | None, rows: int, resume: bool
) -> None:
    """Write the resolved settings, or make sure that a resumed run has the same ones.

    Raises:
        TrainError: the folder holds a run and `resume` was not asked for, or that run is another.
    """
    identity = {
        "settings": settings.model_dump(mode="json"), "base": str(base), "start": str(start or ""), "rows": rows,
    }  # fmt: skip
    file = out / "run.json"
    if resume and file.is_file():
        if read_json(file) != identity:
            raise TrainError(
                f"{out}: the interrupted run had other settings, base or data",
                remedy="repeat its settings, or train into another folder",
            )
        return
    if not resume:
        require_free(out)
        (out / "plan.json").unlink(missing_ok=True)  # of a run that was killed before its first checkpoint
    write_json(file, identity)


def require_free(out: Path) -> None:
    """Refuse a folder with a run in it.

    Raises:
        TrainError: it holds one.
    """
    if (out / "checkpoints").exists() or (out / "adapter").exists():
        raise TrainError(f"{out}: holds a run already", remedy="use --resume to go on, or another folder")
