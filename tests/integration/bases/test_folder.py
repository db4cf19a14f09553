"""Model folders as they are found in the world: what is wrong is named before anything is loaded or trained."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer

from afina.bases import check_folder, semilla
from afina.bases.load import load_base
from afina.chat.render import load_renderer
from afina.errors import AfinaError, ExportError, ModelError, TemplateError
from afina.export.export import require_exportable
from afina.records import Turn


@pytest.fixture
def model(tiny_model: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(tiny_model, tmp_path / "model"))


def refusal(folder: Path) -> AfinaError:
    """The error a damaged folder gives."""
    with pytest.raises(ModelError) as caught:
        check_folder(folder)
    return caught.value


def shard(folder: Path) -> None:
    """Cut the weights into two files with an index."""
    weights = load_file(folder / "model.safetensors")
    names = sorted(weights)
    parts = {"model-00001-of-00002.safetensors": names[::2], "model-00002-of-00002.safetensors": names[1::2]}
    for file, some in parts.items():
        save_file({name: weights[name] for name in some}, folder / file, metadata={"format": "pt"})
    index = {"metadata": {}, "weight_map": {name: file for file, some in parts.items() for name in some}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), "utf-8")
    (folder / "model.safetensors").unlink()


def test_a_sharded_folder_loads(model: Path) -> None:
    """As large models come."""
    shard(model)

    check_folder(model)
    assert load_base(model)


def test_a_missing_shard_is_named(model: Path) -> None:
    """Not 'file not found' from some library."""
    shard(model)
    (model / "model-00002-of-00002.safetensors").unlink()

    assert "model-00002-of-00002.safetensors is missing" in str(refusal(model))


def test_a_shard_cut_short_is_named(model: Path) -> None:
    """A download that broke off."""
    shard(model)
    file = model / "model-00001-of-00002.safetensors"
    file.write_bytes(file.read_bytes()[:-1000])

    error = refusal(model)
    assert file.name in str(error)
    assert "cut short" in str(error)


def test_an_empty_file_is_named(model: Path) -> None:
    """A disk that was full."""
    (model / "model.safetensors").write_bytes(b"")

    assert "empty" in str(refusal(model))


def test_garbage_is_no_model(model: Path) -> None:
    """Neither as weights, nor as an index, nor as a configuration."""
    (model / "model.safetensors").write_bytes(b"\xff" * 5000)
    assert "damaged" in str(refusal(model))
    (model / "model.safetensors.index.json").write_text("[1", "utf-8")
    assert "not an index" in str(refusal(model))
    (model / "config.json").write_text("{", "utf-8")
    assert "not JSON" in str(refusal(model))


def test_pickles_are_refused_and_the_reason_said(model: Path) -> None:
    """Loading one can run any code."""
    (model / "model.safetensors").unlink()
    torch.save({"a": torch.zeros(1)}, model / "pytorch_model.bin")

    assert "run any code" in refusal(model).remedy


def test_a_configuration_of_another_size_is_refused(model: Path) -> None:
    """Before memory is asked for by it."""
    config = json.loads((model / "config.json").read_text("utf-8"))
    (model / "config.json").write_text(json.dumps({**config, "vocab_size": 9_000_000}), "utf-8")

    error = refusal(model)
    assert "9000000 tokens" in str(error)
    assert "8192" in str(error)


def test_layers_that_are_not_in_the_file_are_named(model: Path) -> None:
    """The library would fill them with random numbers and go on."""
    config = json.loads((model / "config.json").read_text("utf-8"))
    more = {**config, "num_hidden_layers": 3, "layer_types": ["full_attention"] * 3}
    (model / "config.json").write_text(json.dumps(more), "utf-8")

    with pytest.raises(ModelError, match="weights are missing"):
        load_base(model)


def test_an_untied_head_without_weights_is_named(model: Path) -> None:
    """tie_word_embeddings says one thing, the file another."""
    config = json.loads((model / "config.json").read_text("utf-8"))
    (model / "config.json").write_text(json.dumps({**config, "tie_word_embeddings": False}), "utf-8")

    with pytest.raises(ModelError, match=r"lm_head\.weight"):
        load_base(model)


def test_tokens_beyond_the_embedding_are_named(model: Path) -> None:
    """An added token without a row."""
    tokenizer = AutoTokenizer.from_pretrained(model)
    tokenizer.add_tokens(["<producto>"])
    tokenizer.save_pretrained(model)

    with pytest.raises(ModelError, match="'<producto>'"):
        load_renderer(model)


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{% for m in messages %}{{ m.content }", "template"),
        ("{{ raise_exception('no') }}", "refuses this conversation: no"),
        ("{% for m in messages %}{{ m.content }}\n{% endfor %}", "control token"),
        ("{{ messages | length }}{% for m in messages %}{{ m.content }}<|im_end|>{% endfor %}", "rewrites"),
    ],
)
def test_a_template_that_cannot_be_trained_says_why(model: Path, template: str, words: str) -> None:
    """Malformed, failing, without an end of turn, or answering with another beginning than it asked with."""
    (model / "chat_template.jinja").write_text(template, "utf-8")

    with pytest.raises(TemplateError, match=words):
        load_renderer(model).training(
            [Turn("user", "a"), Turn("assistant", "b"), Turn("user", "c"), Turn("assistant", "d")]
        )


def test_a_missing_template_is_not_guessed(model: Path) -> None:
    """A base that was taught no chats."""
    (model / "chat_template.jinja").unlink()
    config = json.loads((model / "tokenizer_config.json").read_text("utf-8"))
    config.pop("chat_template", None)
    (model / "tokenizer_config.json").write_text(json.dumps(config), "utf-8")

    with pytest.raises(TemplateError, match="no chat template"):
        load_renderer(model)


def test_what_cannot_be_exported_is_refused_before_training(model: Path) -> None:
    """An architecture the converter does not know, and a splitting rule nobody recorded."""
    require_exportable(model)
    config = json.loads((model / "config.json").read_text("utf-8"))
    (model / "config.json").write_text(json.dumps({**config, "architectures": ["FutureForCausalLM"]}), "utf-8")
    with pytest.raises(ExportError, match="FutureForCausalLM"):
        require_exportable(model)
    (model / "config.json").write_text(json.dumps(config), "utf-8")
    (model / "gguf_pre.txt").unlink()
    with pytest.raises(ExportError, match=r"gguf_pre\.txt"):
        require_exportable(model)


def test_the_built_in_base_is_whole() -> None:
    """As committed."""
    check_folder(semilla.FOLDER)
    assert load_base(semilla.FOLDER)
