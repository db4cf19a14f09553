"""Memory inside and outside of a container."""

from pathlib import Path

import psutil
import pytest

from afina.bases import memory, semilla
from afina.bases.folder import count_weights
from afina.bases.memory import available_memory
from afina.errors import ModelError
from afina.export.export import Target, export_model
from afina.export.merge import Trained
from afina.settings import RuntimeSettings


def container(folder: Path, *, limit: str, inside: str = "") -> tuple[Path, Path]:
    """The kernel's files for a container that has used 3 GB, 1.2 of them files' pages, which can be given back."""
    (folder / inside).mkdir(parents=True, exist_ok=True)
    for name, text in (
        ("max", limit),
        ("current", "3000000000"),
        ("stat", "anon 1\ninactive_file 1000000000\nactive_file 200000000"),
    ):
        (folder / inside / f"memory.{name}").write_text(text + "\n", "ascii")
    (folder / "self").write_text(f"0::/{inside}\n", "ascii")
    return folder, folder / "self"


def test_a_containers_limit_counts(tmp_path: Path) -> None:
    """What is left below it, with what can be given back; also where the group is not the root of what is seen."""
    assert available_memory(*container(tmp_path / "a", limit="4000000000")) == pytest.approx(2.2e9)
    assert available_memory(*container(tmp_path / "b", limit="4000000000", inside="x/y")) == pytest.approx(2.2e9)


@pytest.mark.parametrize("inside", ["", "services/afina"])
def test_the_older_form_of_limits(inside: str, tmp_path: Path) -> None:
    """cgroup v1: a container sees its group as the root, a service of the machine stands below it."""
    place = tmp_path / "memory" / inside
    place.mkdir(parents=True)
    for name, text in (("limit_in_bytes", "4000000000"), ("usage_in_bytes", "3000000000"), ("stat", "inactive_file 5")):
        (place / f"memory.{name}").write_text(text + "\n", "ascii")
    (tmp_path / "self").write_text(f"9:name=systemd:/\n4:cpu,memory:/{inside}\n0::/\n", "ascii")

    assert available_memory(tmp_path, tmp_path / "self") == pytest.approx(1e9)
    if not inside:
        assert available_memory(tmp_path, tmp_path / "none") == pytest.approx(1e9)


def test_without_a_limit_the_machine_counts(tmp_path: Path) -> None:
    """No limit set, or no such files."""
    for place in (container(tmp_path, limit="max"), (tmp_path / "none", tmp_path / "none")):
        assert available_memory(*place) == pytest.approx(psutil.virtual_memory().available, rel=0.2)


def test_an_export_that_will_not_fit_is_refused_before_weights_are_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By the headers alone; nothing is written."""
    monkeypatch.setattr(memory, "available_memory", lambda: 0.31e9)

    with pytest.raises(ModelError, match=r"exporting model needs about 0\.32 GB of memory, 0\.31 GB are free"):
        export_model(
            Trained(semilla.FOLDER), tmp_path / "b.gguf", RuntimeSettings(), Target(quantisation="q8_0", name="b")
        )

    assert count_weights(semilla.FOLDER) > 5e6
    assert list(tmp_path.iterdir()) == []
