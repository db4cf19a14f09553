"""From adapter to a GGUF that answers like the trained model, or a refusal."""

import json
import shutil
from pathlib import Path

import pytest
from gguf import GGUFReader

from afina.errors import ExportError, ModelError
from afina.export.export import convert, export_model
from afina.export.parity import check_parity
from afina.settings import RuntimeSettings
from afina.train.loop import train
from tests.integration.train.test_loop import data, settings

RUNTIME = RuntimeSettings.model_validate({"context": 256, "slots": 1})


@pytest.fixture(scope="module")
def adapter(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained adapter on the tiny model."""
    out = tmp_path_factory.mktemp("adapter") / "run"
    return Path(train(data(tiny_model), settings(num_epochs=6), base=tiny_model, out=out).adapter)


@pytest.mark.parametrize("quantisation", ["f32", "f16", "q8_0", "q4_0"])
def test_every_quantisation_answers_like_the_model(
    tiny_model: Path, adapter: Path, tmp_path: Path, quantisation: str
) -> None:
    """Template and token ids equal, log-probabilities within the limits; the card says by how much."""
    exported = export_model(
        tiny_model, adapter, tmp_path / "m.gguf", RUNTIME, quantisation=quantisation, name="tiny:v1"
    )

    plain = exported.card["parity"]["f32"]
    assert plain["max_difference"] <= 0.005
    assert plain["token_ids_equal"] == plain["token_checks"] >= 12
    assert exported.card["parity"][quantisation]["passed"]
    assert json.loads((tmp_path / "m.gguf.json").read_text("utf-8"))["bytes"] == exported.gguf.stat().st_size
    assert exported.modelfile.read_text("utf-8").startswith("FROM ./m.gguf\n")
    kinds = {t.tensor_type.name for t in GGUFReader(exported.gguf).tensors}
    assert (
        kinds
        == {"f32": {"F32"}, "f16": {"F16", "F32"}, "q8_0": {"Q8_0", "F32"}, "q4_0": {"Q4_0", "Q8_0", "F32"}}[
            quantisation
        ]
    )


def test_a_wrong_splitting_rule_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    """Such a file loads without complaint; only the token ids show it. Nothing gets the asked name."""
    wrong = tmp_path / "wrong"
    shutil.copytree(tiny_model, wrong)
    (wrong / "gguf_pre.txt").write_text("gpt-2", "utf-8")

    with pytest.raises(ExportError, match="split"):
        export_model(wrong, None, tmp_path / "out" / "m.gguf", RUNTIME, quantisation="q8_0", name="x")

    assert list((tmp_path / "out").iterdir()) == []


def test_an_unrecorded_splitting_rule_is_not_guessed(tiny_model: Path, tmp_path: Path) -> None:
    """The converter refuses, in words."""
    bare = tmp_path / "bare"
    shutil.copytree(tiny_model, bare)
    (bare / "gguf_pre.txt").unlink()

    with pytest.raises(ExportError, match="splitting rule is unknown"):
        convert(bare, tmp_path / "m.gguf", name="x")


def test_another_models_weights_are_noticed(tiny_model: Path, adapter: Path, tmp_path: Path) -> None:
    """Parity of the base's file with the tuned model fails."""
    base = export_model(tiny_model, None, tmp_path / "base.gguf", RUNTIME, quantisation="f32", name="x")
    tuned = tmp_path / "tuned"
    export_model(tiny_model, adapter, tuned / "t.gguf", RUNTIME, quantisation="f32", name="x")

    result = check_parity(tiny_model, tuned / "t.gguf", RUNTIME, quantisation="f32", log=tmp_path / "log")

    assert base.card["parity"]["f32"]["passed"]
    assert not result.passed


def test_a_cut_file_is_no_model(tiny_model: Path, tmp_path: Path) -> None:
    """Half a GGUF, an empty one, another kind of file, none."""
    gguf = export_model(tiny_model, None, tmp_path / "m.gguf", RUNTIME, quantisation="q8_0", name="x").gguf
    raw = gguf.read_bytes()
    for content, words in (
        (raw[: len(raw) // 2], "cut short"),
        (raw[:40], "cut short|damaged"),
        (b"", "not a GGUF"),
        (b"PK\x03\x04zip", "not a GGUF"),
    ):
        gguf.write_bytes(content)
        with pytest.raises(ModelError, match=words):
            check_parity(tiny_model, gguf, RUNTIME, quantisation="q8_0", log=tmp_path / "log")
    with pytest.raises(ModelError, match="no such file"):
        check_parity(tiny_model, tmp_path / "none.gguf", RUNTIME, quantisation="q8_0", log=tmp_path / "log")


def test_a_folder_that_is_no_adapter_is_named(tiny_model: Path, tmp_path: Path) -> None:
    """Before anything is merged."""
    with pytest.raises(ModelError, match="no adapter here"):
        export_model(tiny_model, tmp_path, tmp_path / "m.gguf", RUNTIME, quantisation="q8_0", name="x")
