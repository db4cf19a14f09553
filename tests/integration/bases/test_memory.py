"""Memory inside and outside of a container."""

from pathlib import Path

import psutil
import pytest

from afina.bases.memory import available_memory


def container(folder: Path, *, limit: str) -> Path:
    """The kernel's files for a container that has used 3 GB, one of them cache that can be given back."""
    for name, text in (
        ("max", limit),
        ("current", "3000000000"),
        ("stat", "anon 2000000000\ninactive_file 1000000000"),
    ):
        (folder / f"memory.{name}").write_text(text + "\n", "ascii")
    return folder


def test_a_containers_limit_counts(tmp_path: Path) -> None:
    """What is left below it, with the cache that can be given back."""
    assert available_memory(container(tmp_path, limit="4000000000")) == pytest.approx(2e9)


def test_without_a_limit_the_machine_counts(tmp_path: Path) -> None:
    """No limit set, or no such files."""
    for folder in (container(tmp_path, limit="max"), tmp_path / "none"):
        assert available_memory(folder) == pytest.approx(psutil.virtual_memory().available, rel=0.2)
