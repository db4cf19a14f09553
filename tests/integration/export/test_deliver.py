"""A tuned GGUF delivered: merged, served, compared, then put into place."""

from pathlib import Path

import pytest

from afina.errors import ExportError, ModelError
from afina.export.deliver import deliver
from afina.export.export import Target
from afina.export.merge import Trained
from afina.runtime import Served, served_of
from afina.settings import Form, RuntimeSettings
from tests.integration.conftest import FamilyFile
from tests.integration.export.adapters import adapter_on

RUNTIME = RuntimeSettings(context=512, slots=1)


@pytest.mark.parametrize("form", ["adapter", "merged"])
@pytest.mark.parametrize(
    ("family", "kind", "modules"),
    [
        ("llama", "f32", ["q_proj", "k_proj", "o_proj", "up_proj"]),
        ("qwen3", "q8_0", ["q_proj", "k_proj", "v_proj", "down_proj"]),
        ("gemma3", "q4_k_m", ["q_proj", "v_proj", "gate_proj", "down_proj"]),
    ],
)
def test_a_delivered_file_answers_like_base_and_adapter(
    family: str, kind: str, modules: list[str], form: Form, family_file: FamilyFile, tmp_path: Path
) -> None:
    """With its Modelfile and its card beside it; as an adapter it needs its base and takes a fraction of the room."""
    base = family_file(family, kind)
    adapter = adapter_on(base, tmp_path / "adapter", modules=modules, size=0.02)
    out = tmp_path / "out" / "m.gguf"

    exported = deliver(Trained(base, adapter), out, RUNTIME, Target(quantisation=kind, name="m:v1", form=form))

    assert exported.card["changed_matrices"] == len(modules) * (6 if family == "gemma3" else 2)
    assert exported.card["parity"][kind]["passed"]
    assert {path.name for path in out.parent.iterdir()} == {"m.gguf", "m.gguf.json", "Modelfile"}
    lines = exported.modelfile.read_text("utf-8").splitlines()
    assert "PARAMETER num_ctx 512" in lines
    if form == "adapter":
        assert lines[:2] == [f"FROM {base}", "ADAPTER ./m.gguf"]
        assert served_of(out) == Served(base, out)
        assert out.stat().st_size < base.stat().st_size / 3
        assert exported.card["llama_server"] == f"llama-server -m {base} --lora m.gguf -c 512 --jinja"
    else:
        assert lines[0] == "FROM ./m.gguf"
        assert served_of(out) == Served(out)
        assert out.stat().st_size == base.stat().st_size


@pytest.mark.parametrize("family", ["qwen2", "gemma2"])
def test_an_untuned_file_is_not_copied(family: str, family_file: FamilyFile, tmp_path: Path) -> None:
    """It is compared like any other, and linked to. Gemma 2's template refuses system texts: ours fold as the runtime does."""
    base = family_file(family, "q8_0")
    exported = deliver(Trained(base), tmp_path / "b.gguf", RUNTIME, Target(quantisation="q8_0", name="b"))
    assert exported.gguf.is_symlink()
    assert exported.gguf.resolve() == base
    assert served_of(exported.gguf) == Served(base)


def test_nothing_is_put_into_place_when_it_is_refused(family_file: FamilyFile, tmp_path: Path) -> None:
    """An adapter of another base, a path that is no file's."""
    adapter = adapter_on(family_file("llama", "f32"), tmp_path / "adapter", modules=["q_proj"])
    target = Target(quantisation="q8_0", name="m")
    with pytest.raises(ModelError, match="trained on another base"):
        deliver(Trained(family_file("llama", "q8_0"), adapter), tmp_path / "m.gguf", RUNTIME, target)
    with pytest.raises(ExportError, match="is no path of a"):
        deliver(Trained(family_file("llama", "f32")), tmp_path, RUNTIME, target)
    assert not list(tmp_path.glob("*.gguf"))
