"""What of an Ollama model is left out here is said where it is chosen."""

from pathlib import Path

import pytest

from afina.flows.ollama_notices import ollama_notices
from tests.integration.bases.test_ollama import put
from tests.integration.conftest import FamilyFile

LLAMA = (
    "{{- range .Messages }}<|start_header_id|>{{ .Role }}<|end_header_id|>\n\n{{ .Content }}<|eot_id|>{{ end }}"
    "<|start_header_id|>assistant<|end_header_id|>\n\n"
)


@pytest.fixture
def gguf(family_file: FamilyFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A Qwen3 file, whose template is ChatML; the store is this test's."""
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("HOME", str(tmp_path))
    return family_file("qwen3", "q8_0").read_bytes()


def test_another_template_and_a_system_text_are_said(gguf: bytes, tmp_path: Path) -> None:
    """With the first place that differs, and what is done about it."""
    place = "registry.ollama.ai/library/other/latest"
    put(tmp_path / "models", place, model=gguf, system=b"You are Gus.", template=LLAMA.encode())
    said = ollama_notices("ollama:other")

    assert len(said) == 2
    assert "'You are Gus.'" in said[0]
    assert "renders user otherwise" in said[1]
    assert "start_header_id|>user" in said[1]
    assert "im_start|>user" in said[1]


def test_the_same_template_is_not_mentioned(gguf: bytes, tmp_path: Path) -> None:
    """Ollama's way of writing ChatML."""
    chatml = "{{- range .Messages }}<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>\n{{ end }}<|im_start|>assistant\n"
    put(tmp_path / "models", "registry.ollama.ai/library/same/latest", model=gguf, template=chatml.encode())

    assert ollama_notices("ollama:same") == []
    assert ollama_notices("semilla") == []


def test_a_template_that_is_not_read_here_is_said(gguf: bytes, tmp_path: Path) -> None:
    """Instead of a comparison that nobody made."""
    put(tmp_path / "models", "registry.ollama.ai/library/odd/latest", model=gguf, template=b"{{ template `x` . }}")

    assert "was not compared" in ollama_notices("ollama:odd")[0]
