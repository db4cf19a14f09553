"""Which bases this machine has, and what each can do."""

import shutil
from pathlib import Path

import pytest

from afina.errors import ModelError
from afina.flows.machine_bases import look, machine_bases
from afina.settings import TrainSettings
from tests.integration.bases.test_ollama import put
from tests.integration.conftest import FamilyFile

PLENTY = 1e12


def test_everything_is_found_and_looked_into(
    family_file: FamilyFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The built-in one, what was not pulled yet, a model of Ollama's, one of its that cannot be trained."""
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("AFINA_HOME", str(tmp_path / "home"))
    raw = family_file("qwen2", "q8_0").read_bytes()
    put(tmp_path / "models", "registry.ollama.ai/library/small/latest", model=raw)
    put(tmp_path / "models", "registry.ollama.ai/library/odd/1", model=raw.replace(b"qwen2", b"qwenx"))

    found = {base.name: base for base in machine_bases(TrainSettings())}

    assert found["semilla"].trains
    assert found["smollm2"].why.startswith("smollm2: not here yet; run `afina base pull smollm2`")
    small = found["ollama:small:latest"]
    assert (small.architecture, small.type, small.trains, small.serves) == ("qwen2", "q8_0", True, True)
    assert small.size == len(raw)
    assert 0.4e9 < small.memory < 1e9
    assert not found["ollama:odd:1"].trains
    assert "the architecture qwenx is not trained" in found["ollama:odd:1"].why


def test_what_does_not_fit_is_said(family_file: FamilyFile, tmp_path: Path) -> None:
    """By the memory that it takes; a folder that is damaged by its damage."""
    base = look("m", family_file("llama", "f32"), TrainSettings(), free=1e8)
    assert not base.trains
    assert base.why.endswith("GB to train, 0.1 GB are free")
    shutil.copy(family_file("llama", "f32"), tmp_path / "cut.gguf")
    with (tmp_path / "cut.gguf").open("r+b") as file:
        file.truncate(10**6)
    roomy = look("m", family_file("llama", "f32"), TrainSettings(), free=PLENTY)
    lean = look("m", family_file("llama", "f32"), TrainSettings(), free=roomy.memory - 1)
    assert lean.trains, "with its activations made again"
    assert lean.memory < roomy.memory
    assert "cut short" in look("m", tmp_path / "cut.gguf", TrainSettings(), free=PLENTY).why
    assert look("m", ModelError("gone", remedy="pull it"), TrainSettings(), free=PLENTY).why == "gone; pull it"
