"""What a served file stands for."""

import shutil
from pathlib import Path

import pytest

from afina.errors import ModelError
from afina.export.gguf_adapter import write_adapter_gguf
from afina.runtime import RuntimeClient, Served, base_of, open_load, served_of, start_worker
from afina.runtime.process import Load
from afina.runtime.weigher import start_weigher
from afina.settings import RuntimeSettings
from tests.integration.conftest import FamilyFile
from tests.integration.export.adapters import adapter_on

RUNTIME = RuntimeSettings(context=256, slots=2)


@pytest.fixture
def adapter(family_file: FamilyFile, tmp_path: Path) -> Path:
    """An adapter beside a base of its own, which a test may damage."""
    base = tmp_path / "base.gguf"
    shutil.copyfile(family_file("qwen2", "q8_0"), base)
    tuned = adapter_on(base, tmp_path / "adapter", modules=["q_proj", "down_proj"], size=0.3)
    write_adapter_gguf(base, tuned, tmp_path / "a.gguf", name="v1")
    return tmp_path / "a.gguf"


def test_an_adapter_leads_to_its_base(adapter: Path) -> None:
    """A file of weights to itself, through links."""
    base = adapter.with_name("base.gguf")
    assert served_of(adapter) == Served(base, adapter)
    assert base_of(adapter) == base
    adapter.with_name("link.gguf").symlink_to(base)
    assert served_of(adapter.with_name("link.gguf")) == Served(base)


def test_a_base_that_is_gone_or_changed_is_said(adapter: Path) -> None:
    """By its path, with what to do."""
    base = adapter.with_name("base.gguf")
    with base.open("r+b") as file:
        file.seek(-1000, 2)
        file.write(b"changed")
    with pytest.raises(ModelError, match=r"base\.gguf has changed since the adapter was trained on it"):
        served_of(adapter)
    base.unlink()
    with pytest.raises(ModelError, match=r"base\.gguf is not there") as caught:
        served_of(adapter)
    assert "merged" in caught.value.remedy


def test_a_restored_project_has_its_base_with_it(adapter: Path, tmp_path: Path) -> None:
    """Found by content among the project's bases, where the old path leads nowhere."""
    project = tmp_path / "restored"
    (project / "models" / "mod_1").mkdir(parents=True)
    (project / "bases" / "b").mkdir(parents=True)
    moved = Path(shutil.move(adapter, project / "models" / "mod_1" / "a.gguf"))
    (project / "bases" / "a.gguf").symlink_to(tmp_path / "nowhere.gguf")
    base = Path(shutil.move(tmp_path / "base.gguf", project / "bases" / "b" / "base.gguf"))

    assert served_of(moved) == Served(base, moved)
    assert base_of(moved) == base


def test_a_request_says_which_adapter_is_on(adapter: Path, tmp_path: Path) -> None:
    """One worker, a base and two adapters: every answer is that of the same file served alone, whatever was asked before."""
    base = adapter.with_name("base.gguf")
    other = adapter_on(base, tmp_path / "other", modules=["o_proj", "up_proj"], size=0.3)
    write_adapter_gguf(base, other, tmp_path / "b.gguf", name="v2")
    files = [base, adapter, tmp_path / "b.gguf"]
    ids = [300, 400, 500, 600]
    alone = []
    for file in files:
        with start_worker(file, RUNTIME, log=tmp_path / "w.log") as worker, RuntimeClient(worker.url) as client:
            alone.append(client.next_log_probabilities(ids))
    worker = open_load(Load(base, tuple(files[1:])), RUNTIME, log=tmp_path / "w.log")
    try:
        with RuntimeClient(worker.url) as client:
            for at in (0, 1, 2, 1, 0, 2, 0, 2, 1):
                client.more = {"lora": worker.serving(served_of(files[at]).adapter).lora()}
                found = client.next_log_probabilities(ids)
                assert found == pytest.approx(alone[at], abs=1e-3)
    finally:
        worker.stop()
    assert len({tuple(one) for one in alone}) == 3


def test_likelihoods_are_the_adapters(adapter: Path, tmp_path: Path) -> None:
    """The weigher puts it on too."""
    ids = list(range(300, 340))
    values = []
    for file in (adapter.with_name("base.gguf"), adapter):
        with start_weigher(file, RUNTIME, log=tmp_path / "w.log") as weigh:
            values.append(weigh(ids, 10))
    with start_worker(adapter, RUNTIME, log=tmp_path / "w.log") as worker, RuntimeClient(worker.url) as client:
        served = client.next_log_probabilities(ids[:-1], top=9000)[ids[-1]]
    with start_weigher(adapter, RUNTIME, log=tmp_path / "w.log") as weigh:
        assert weigh(ids, len(ids) - 1) == pytest.approx(served, abs=0.02)
    assert abs(values[0] - values[1]) > 1
