"""Nothing half-written is taken for whole."""

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from afina.errors import DiskFullError, StoreError
from afina.store.paths import disk_errors, read_json, whole_folder, write_json, write_whole


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("mounting a small disk needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_failed_write_leaves_the_old_content(tmp_path: Path) -> None:
    """And no debris."""
    path = tmp_path / "a.json"
    write_json(path, {"a": 1})

    with pytest.raises(TypeError):
        write_json(path, {"a": object()})

    assert read_json(path) == {"a": 1}
    assert os.listdir(tmp_path) == ["a.json"]


def test_a_full_disk_is_said_and_leaves_the_old_content(small_disk: Path) -> None:
    """With what to do."""
    path = small_disk / "a"
    write_whole(path, b"old")

    with pytest.raises(DiskFullError) as caught:
        write_whole(path, b"x" * 3_000_000)

    assert "afina gc" in caught.value.remedy
    assert path.read_bytes() == b"old"


def test_a_folder_gets_its_name_when_it_is_whole(tmp_path: Path) -> None:
    """Not when filling it broke off."""
    with pytest.raises(RuntimeError), whole_folder(tmp_path / "f") as partial:
        (partial / "x").write_text("1", "utf-8")
        raise RuntimeError
    assert os.listdir(tmp_path) == []

    with whole_folder(tmp_path / "f") as partial:
        (partial / "x").write_text("2", "utf-8")
    assert (tmp_path / "f" / "x").read_text("utf-8") == "2"


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "x"), OSError(errno.EDQUOT, "x"), RuntimeError("No space left on device")]
)
def test_every_library_means_the_same_full_disk(tmp_path: Path, error: Exception) -> None:
    """safetensors and torch wrap the system's error."""
    with pytest.raises(DiskFullError), disk_errors(tmp_path):
        raise error


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    """Not a traceback."""
    (tmp_path / "a.json").write_text("{", "utf-8")

    with pytest.raises(StoreError, match=r"a\.json"):
        read_json(tmp_path / "a.json")
