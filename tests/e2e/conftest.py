"""Real processes."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from afina.store.paths import Paths
from tests.conftest import remove_cluster

Afina = Callable[..., "subprocess.CompletedProcess[str]"]


def environment(columns: int = 200) -> dict[str, str]:
    """English output, whatever the machine's locale."""
    return {**os.environ, "AFINA_LANG": "en", "NO_COLOR": "1", "COLUMNS": str(columns)}


def run_afina(
    *arguments: str, cwd: Path, timeout: float = 600, columns: int = 200
) -> "subprocess.CompletedProcess[str]":
    """The command as a person's shell starts it."""
    return subprocess.run(
        [sys.executable, "-m", "afina", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env=environment(columns),
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder whose servers are stopped and removed in the end."""
    place = tmp_path_factory.mktemp("e2e")
    yield place
    for toml in place.rglob("afina.toml"):
        remove_cluster(Paths(toml.parent).database)
