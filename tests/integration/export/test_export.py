"""From adapter to a GGUF that answers like the trained model, or a refusal."""

import json
import shutil
from pathlib import Path

import pytest
from gguf import GGUFReader
from transformers import AutoTokenizer

from afina.chat.render import load_renderer
from afina.errors import ExportError, ModelError
from afina.export.export import Conversion, Target, convert, export_model
from afina.export.merge import Trained
from afina.export.parity import Check, check_parity
from afina.runtime import RuntimeClient, start_worker
from afina.settings import RuntimeSettings
from afina.train.loop import Job, train
from tests.integration.train.test_loop import data, settings

RUNTIME = RuntimeSettings.model_validate({"context": 256, "slots": 1})


@pytest.fixture(scope="module")
def adapter(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained adapter on the tiny model."""
    out = tmp_path_factory.mktemp("adapter") / "run"
    return Path(train(data(tiny_model), settings(num_epochs=6), base=tiny_model, job=Job(out=out)).adapter)


@pytest.mark.parametrize("quantisation", ["f32", "f16", "q8_0", "q4_0"])
def test_every_quantisation_answers_like_the_model(
    tiny_model: Path, adapter: Path, tmp_path: Path, quantisation: str
) -> None:
    """Template and token ids equal, log-probabilities within the limits; the card says by how much."""
    exported = export_model(
        Trained(tiny_model, adapter), tmp_path / "m.gguf", RUNTIME, Target(quantisation=quantisation, name="tiny:v1")
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
        export_model(Trained(wrong), tmp_path / "out" / "m.gguf", RUNTIME, Target(quantisation="q8_0", name="x"))

    assert list((tmp_path / "out").iterdir()) == []


def test_an_unrecorded_splitting_rule_is_not_guessed(tiny_model: Path, tmp_path: Path) -> None:
    """The converter refuses, in words."""
    bare = tmp_path / "bare"
    shutil.copytree(tiny_model, bare)
    (bare / "gguf_pre.txt").unlink()

    with pytest.raises(ExportError, match="splitting rule is unknown"):
        convert(bare, tmp_path / "m.gguf", Conversion(name="x"))


def test_another_models_weights_are_noticed(tiny_model: Path, adapter: Path, tmp_path: Path) -> None:
    """Parity of the base's file with the tuned model fails."""
    base = export_model(Trained(tiny_model), tmp_path / "base.gguf", RUNTIME, Target(quantisation="f32", name="x"))
    tuned = tmp_path / "tuned"
    export_model(Trained(tiny_model, adapter), tuned / "t.gguf", RUNTIME, Target(quantisation="f32", name="x"))

    result = check_parity(
        Trained(tiny_model), tuned / "t.gguf", RUNTIME, Check(quantisation="f32", log=tmp_path / "log")
    )

    assert base.card["parity"]["f32"]["passed"]
    assert not result.passed


def test_a_cut_file_is_no_model(tiny_model: Path, tmp_path: Path) -> None:
    """Half a GGUF, an empty one, another kind of file, none."""
    gguf = export_model(Trained(tiny_model), tmp_path / "m.gguf", RUNTIME, Target(quantisation="q8_0", name="x")).gguf
    raw = gguf.read_bytes()
    for content, words in (
        (raw[: len(raw) // 2], "cut short"),
        (raw[:40], "cut short|damaged"),
        (b"", "not a GGUF"),
        (b"PK\x03\x04zip", "not a GGUF"),
    ):
        gguf.write_bytes(content)
        with pytest.raises(ModelError, match=words):
            check_parity(Trained(tiny_model), gguf, RUNTIME, Check(quantisation="q8_0", log=tmp_path / "log"))
    with pytest.raises(ModelError, match="no such file"):
        check_parity(
            Trained(tiny_model), tmp_path / "none.gguf", RUNTIME, Check(quantisation="q8_0", log=tmp_path / "log")
        )


def test_a_folder_that_is_no_adapter_is_named(tiny_model: Path, tmp_path: Path) -> None:
    """Before anything is merged."""
    with pytest.raises(ModelError, match="no adapter here"):
        export_model(Trained(tiny_model, tmp_path), tmp_path / "m.gguf", RUNTIME, Target(quantisation="q8_0", name="x"))


@pytest.mark.parametrize(
    ("modules", "tied"),
    [
        (["q_proj", "lm_head"], False),
        (["q_proj", "embed_tokens"], False),
        (["lm_head", "embed_tokens"], False),
        (["q_proj"], True),
    ],
)
def test_an_adapter_on_a_tied_tensor_changes_only_its_own_side(
    tiny_model: Path, tmp_path: Path, modules: list[str], tied: bool
) -> None:
    """Head and word vectors are one tensor in the base; merged into one, the served file was four nats off and parity said 1e-5."""
    chosen = settings(num_epochs=4, learning_rate=0.05)
    chosen = chosen.model_copy(update={"lora": chosen.lora.model_copy(update={"target_modules": tuple(modules)})})
    adapter = Path(train(data(tiny_model), chosen, base=tiny_model, job=Job(out=tmp_path / "run")).adapter)

    exported = export_model(
        Trained(tiny_model, adapter), tmp_path / "m.gguf", RUNTIME, Target(quantisation="f32", name="x")
    )

    found = check_parity(
        Trained(tiny_model, adapter), exported.gguf, RUNTIME, Check(quantisation="f32", log=tmp_path / "log")
    )
    unlike = check_parity(Trained(tiny_model), exported.gguf, RUNTIME, Check(quantisation="f32", log=tmp_path / "log"))
    assert found.passed
    assert found.max_difference < 0.005
    assert unlike.max_difference > 0.005, "the adapter must change something, or nothing is tested"
    assert ("output.weight" not in {t.name for t in GGUFReader(exported.gguf).tensors}) is tied


def test_the_file_stops_where_training_ended_answers(tiny_model: Path, tmp_path: Path) -> None:
    """The template's end of turn is another token than the tokenizer's end of text, and llama.cpp does not know its name."""
    base = tmp_path / "base"
    shutil.copytree(tiny_model, base)
    for file in base.iterdir():
        if file.suffix in {".json", ".jinja"} and file.name != "config.json":
            file.write_text(file.read_text("utf-8").replace("<|im_end|>", "<fin|>"), "utf-8")
    config = json.loads((base / "tokenizer_config.json").read_text("utf-8"))
    (base / "tokenizer_config.json").write_text(json.dumps({**config, "eos_token": "<|endoftext|>"}), "utf-8")

    exported = export_model(Trained(base), tmp_path / "m.gguf", RUNTIME, Target(quantisation="q8_0", name="x"))

    end = load_renderer(base).end_id()
    assert GGUFReader(exported.gguf).fields["tokenizer.ggml.eot_token_id"].contents() == end
    assert exported.card["parity"]["q8_0"]["stops"]
    with start_worker(exported.gguf, RUNTIME, log=tmp_path / "log") as worker, RuntimeClient(worker.url) as client:
        assert client.ends_at([10, 11], end)
        assert not client.ends_at([10, 11], 500)


def test_a_token_beyond_the_embedding_is_named_before_anything_is_merged(tiny_model: Path, tmp_path: Path) -> None:
    """As training names it, not as an assertion of the converter."""
    base = tmp_path / "base"
    shutil.copytree(tiny_model, base)
    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.add_special_tokens({"pad_token": "[PAD]"})
    tokenizer.save_pretrained(base)

    with pytest.raises(ModelError, match=r"'\[PAD\]' among them, lie beyond the embedding's 8192 rows"):
        export_model(Trained(base), tmp_path / "m.gguf", RUNTIME, Target(quantisation="q8_0", name="x"))


def test_a_folder_is_no_file(tiny_model: Path, tmp_path: Path) -> None:
    """Its Modelfile would say FROM a folder."""
    with pytest.raises(ExportError, match=r"no path of a \.gguf file"):
        export_model(Trained(tiny_model), tmp_path, RUNTIME, Target(quantisation="f32", name="x"))
