"""Models of an Ollama store: found by the names Ollama gives them, read, never written."""

import json
from pathlib import Path

import pytest

from afina.bases import resolve_base
from afina.bases.ollama import MEDIA, find_ollama, names, stores
from afina.errors import ModelError


def put(store: Path, place: str, **layers: bytes) -> None:
    """A model of a store, with its layers by their kind."""
    (store / "blobs").mkdir(parents=True, exist_ok=True)
    rows = []
    for number, (kind, content) in enumerate(layers.items()):
        digest = f"{abs(hash((place, number))):x}"
        (store / "blobs" / f"sha256-{digest}").write_bytes(content)
        rows.append({"mediaType": MEDIA + kind, "digest": f"sha256:{digest}", "size": len(content)})
    manifest = store / "manifests" / place
    manifest.parent.mkdir(parents=True, exist_ok=True)
    manifest.write_text(json.dumps({"schemaVersion": 2, "layers": rows}), "utf-8")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with models of the library, of a user and of another host."""
    found = tmp_path / "models"
    monkeypatch.setenv("OLLAMA_MODELS", str(found))
    monkeypatch.setenv("HOME", str(tmp_path))
    put(
        found,
        "registry.ollama.ai/library/llama3.2/1b",
        model=b"GGUF one",
        system=b"Be brief.",
        template=b"{{ .Prompt }}",
    )
    put(found, "registry.ollama.ai/library/qwen3/latest", model=b"GGUF two", params=b'{"num_ctx": 4096}')
    put(found, "registry.ollama.ai/ana/own/v2", model=b"GGUF three")
    put(found, "hf.co/org/repo/Q4_K_M", model=b"GGUF four")
    return found


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("llama3.2:1b", b"GGUF one"),
        ("qwen3", b"GGUF two"),
        ("qwen3:latest", b"GGUF two"),
        ("ana/own:v2", b"GGUF three"),
        ("hf.co/org/repo:Q4_K_M", b"GGUF four"),
    ],
)
def test_a_name_leads_to_its_weights(store: Path, name: str, content: bytes) -> None:
    """As `ollama run` reads it: without a tag the latest, without a namespace the library."""
    before = {path: path.stat().st_mtime_ns for path in store.rglob("*")}

    assert resolve_base(f"ollama:{name}").read_bytes() == content
    assert {path: path.stat().st_mtime_ns for path in store.rglob("*")} == before


def test_layers_and_names(store: Path) -> None:
    """Texts come along; names are those of `ollama list`."""
    assert find_ollama("llama3.2:1b").system == "Be brief."
    assert find_ollama("llama3.2:1b").template == "{{ .Prompt }}"
    assert find_ollama("qwen3").parameters == '{"num_ctx": 4096}'
    assert stores() == [store]
    assert list(names(store)) == ["hf.co/org/repo:Q4_K_M", "ana/own:v2", "llama3.2:1b", "qwen3:latest"]


def test_what_cannot_be_taken_is_said(store: Path) -> None:
    """Unknown names with what is here, missing blobs, damaged manifests, models without weights, with eyes, of adapters."""
    with pytest.raises(ModelError, match="no model of this name") as caught:
        resolve_base("ollama:llama3.2")
    assert "ollama:llama3.2:1b" in caught.value.remedy
    put(store, "registry.ollama.ai/library/cloud/latest", system=b"x")
    with pytest.raises(ModelError, match="no weights of its own"):
        resolve_base("ollama:cloud")
    put(store, "registry.ollama.ai/library/seeing/latest", model=b"GGUF", projector=b"GGUF")
    with pytest.raises(ModelError, match="models that see are not trained"):
        resolve_base("ollama:seeing")
    put(store, "registry.ollama.ai/library/tuned/latest", model=b"GGUF", adapter=b"GGUF")
    with pytest.raises(ModelError, match="itself an adapter"):
        resolve_base("ollama:tuned")
    manifest = store / "manifests" / "registry.ollama.ai" / "library" / "qwen3" / "latest"
    manifest.write_text(manifest.read_text("utf-8").replace("sha256:", "sha256:f"), "utf-8")
    with pytest.raises(ModelError, match=r"sha256-f\w+ is missing"):
        resolve_base("ollama:qwen3")
    manifest.write_text('{"layers": [', "utf-8")
    with pytest.raises(ModelError, match="the manifest is damaged"):
        resolve_base("ollama:qwen3")


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "a//b", "a:", "a/b/c/d", "x/..:y"])
def test_names_that_are_none(store: Path, name: str) -> None:
    """No name leads out of the store."""
    del store
    with pytest.raises(ModelError, match=r"not a name of Ollama's|no model of this name"):
        resolve_base(f"ollama:{name}")


def test_without_a_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says how to get one."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("OLLAMA_MODELS", raising=False)
    monkeypatch.setattr("afina.bases.ollama.SERVICE_HOMES", ())
    with pytest.raises(ModelError, match="none was found") as caught:
        resolve_base("ollama:qwen3")
    assert caught.value.remedy == "run `ollama pull qwen3`, or set OLLAMA_MODELS to its store"
