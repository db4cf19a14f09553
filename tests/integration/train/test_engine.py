"""The engine's loss and gradients are those of transformers and PEFT, one example at a time, for every family."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from bench.train_exact import LORA, compare, gradients, nested_examples, randomised
from peft.tuners.lora import Linear as PeftLinear
from safetensors.torch import load_file, save_file
from torch.nn import functional
from transformers import AutoConfig

from afina.bases.families import FAMILIES, build_family
from afina.bases.load import load_base
from afina.chat.render import Rendered
from afina.errors import ModelError, TrainError
from afina.settings import LoraSettings
from afina.train.engine import Engine, backward
from afina.train.lean import load_lean
from afina.train.model import add_adapter
from afina.train.packing import pack, packs
from afina.train.products import round_products
from tests.integration.conftest import FamilyFolder

LIMIT = 1e-5
LIMIT_TENSOR = 1e-4


@pytest.fixture(scope="module")
def families(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small random models, built when first asked for."""
    return tmp_path_factory.mktemp("families")


@pytest.mark.parametrize("family", FAMILIES)
def test_every_familys_gradient_is_exact(family_folder: FamilyFolder, family: str) -> None:
    """Ragged lengths, prefixes in prefixes, an example twice, longer than a block and, where there is one, than the window."""
    folder = family_folder(family)
    config = AutoConfig.from_pretrained(folder)
    errors = compare(folder, nested_examples(config.vocab_size, seed=0))

    assert errors["global"] < LIMIT
    assert errors["tensor"] < LIMIT_TENSOR
    assert errors["loss"] < LIMIT


@pytest.mark.parametrize("family", ["gemma3", "mistral"])
def test_a_window_shorter_than_the_prefix(families: Path, family: str) -> None:
    """Suffixes then see only the end of what they share."""
    folder = families / f"{family}-narrow"
    build_family(family, folder)
    config = AutoConfig.from_pretrained(folder)
    config.sliding_window = 17
    config.save_pretrained(folder)
    errors = compare(folder, nested_examples(config.vocab_size, seed=3))

    assert errors["global"] < LIMIT
    assert errors["tensor"] < LIMIT_TENSOR


def test_part_of_the_layers_and_the_word_vectors(tiny_model: Path) -> None:
    """Adapters on the embedding, which here is the head too, and on some projections only."""
    lora = LORA.model_copy(update={"target_modules": ("embed_tokens", "v_proj", "up_proj")})
    errors = compare(tiny_model, nested_examples(8192, seed=1), lora=lora)

    assert errors["global"] < LIMIT


def test_sharing_changes_nothing(tiny_model: Path) -> None:
    """The same gradient with every beginning once and with every example on its own."""
    model = randomised(add_adapter(load_base(tiny_model), LORA, base=str(tiny_model)), seed=2).eval()
    engine = Engine(model)
    examples = nested_examples(8192, seed=2)
    shared, alone = pack(examples), pack(examples, share=False)
    losses = [backward(engine, [shared])]
    once = gradients(model)
    losses.append(backward(engine, [alone]))
    each = gradients(model)

    assert len(shared.ids) < 0.7 * len(alone.ids)
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert max(float((once[n] - g).norm() / g.norm()) for n, g in each.items()) < LIMIT_TENSOR


@pytest.mark.parametrize("again", [False, True], ids=["kept", "recomputed"])
@pytest.mark.parametrize("family", ["qwen2", "gemma2", "mistral"])
def test_the_memory_bounded_form_is_exact_too(families: Path, family: str, again: bool) -> None:
    """Prefix once, branches in passes of their own, one backward pass through the prefix; recomputing layers or not."""
    folder = families / f"{family}-bounded-{again}"
    build_family(family, folder)
    config = AutoConfig.from_pretrained(folder)
    if family == "mistral":
        config.sliding_window = 40
        config.save_pretrained(folder)
    examples = nested_examples(config.vocab_size, seed=5)[:-1]
    model = randomised(add_adapter(load_base(folder), LORA, base=str(folder)), seed=2).train()
    engine = Engine(model)
    loss = backward(engine, [pack(examples)])
    wanted = gradients(model)
    if again:
        model.get_base_model().activation_checkpointing_enable({"use_reentrant": False})
    parts = packs(examples, limit=120)
    bounded = backward(engine, parts)
    found = gradients(model)
    with torch.no_grad():
        judged = sum(float(engine.loss(part)) for part in parts) / sum(part.supervised for part in parts)

    assert [type(part).__name__ for part in parts] == ["Shared"]
    assert bounded == pytest.approx(loss, rel=1e-5)
    assert judged == pytest.approx(loss, rel=1e-5)
    assert max(float((found[n] - g).norm() / g.norm()) for n, g in wanted.items()) < LIMIT_TENSOR


def test_dropout_drops_the_share_it_should_and_keeps_the_mean(tiny_model: Path) -> None:
    """On one linear layer: A's input is scaled and thinned, the frozen part untouched; off, it is exact again."""
    torch.manual_seed(0)
    model = randomised(
        add_adapter(load_base(tiny_model), LoraSettings(r=8, lora_dropout=0.5), base=str(tiny_model)), seed=2
    )
    Engine(model)
    layer: Any = next(m for m in model.modules() if isinstance(m, PeftLinear))
    x = torch.ones(4000, layer.in_features)
    plain = functional.linear(x, layer.get_base_layer().weight, layer.get_base_layer().bias)
    with torch.no_grad():
        model.eval()
        whole = layer(x) - plain
        model.train()
        thinned = layer(x) - plain

    assert not torch.allclose(whole, thinned)
    torch.testing.assert_close(thinned.mean(0), whole.mean(0), rtol=0.1, atol=float(whole.abs().mean()) * 0.1)


@pytest.mark.parametrize("family", ["qwen2", "gemma3", "phi3"])
@pytest.mark.parametrize("kind", ["bfloat16", "nf4"])
def test_a_base_in_few_bits_trains_like_the_same_base_in_float32(
    family_folder: FamilyFolder, family: str, kind: str
) -> None:
    """The reference holds the decoded numbers; layers are recomputed in the backward pass on top."""
    folder = family_folder(family)
    examples = nested_examples(AutoConfig.from_pretrained(folder).vocab_size, seed=4)
    lean = load_lean(folder, kind)
    plain = load_base(folder)
    for name, module in lean.named_modules():
        if (kept := getattr(module, "stored", None)) is not None:
            plain.get_submodule(name).weight.data.copy_(kept.dense())
    found = []
    for base in (lean, plain):
        model = randomised(add_adapter(base, LORA, base=str(folder)), seed=1).train()
        if base is lean:
            model.get_base_model().activation_checkpointing_enable({"use_reentrant": False})
        found.append((backward(Engine(model), [pack(examples)]), gradients(model)))
    (lean_loss, lean_gradients), (loss, wanted) = found

    assert lean_loss == pytest.approx(loss, rel=1e-5)
    assert max(float((lean_gradients[n] - g).norm() / g.norm()) for n, g in wanted.items()) < LIMIT_TENSOR


@pytest.mark.parametrize("family", ["qwen2", "gemma2", "phi3"])
def test_bfloat16_products_are_near(family_folder: FamilyFolder, family: str) -> None:
    """Three digits in every product: a few per cent of the gradient of random weights, and no tensor is off its direction."""
    folder = family_folder(family)
    examples = nested_examples(AutoConfig.from_pretrained(folder).vocab_size, seed=4)
    found = []
    for rounded in (False, True):
        base = load_base(folder)
        if rounded:
            round_products(base.get_decoder())
        model = randomised(add_adapter(base, LORA, base=str(folder)), seed=1).train()
        found.append((backward(Engine(model), [pack(examples)]), gradients(model)))
    (loss, wanted), (near_loss, near) = found

    assert near_loss == pytest.approx(loss, rel=5e-3)
    assert 0 < max(float((near[n] - g).norm() / g.norm()) for n, g in wanted.items()) < 0.1


def test_a_lean_base_with_missing_or_wrong_weights(tiny_model: Path, tmp_path: Path) -> None:
    """Named, never filled with random numbers."""
    folder = tmp_path / "broken"
    shutil.copytree(tiny_model, folder)
    weights = load_file(folder / "model.safetensors")
    lost = weights.pop("model.layers.1.mlp.up_proj.weight")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"1 weights are missing, model\.layers\.1\.mlp\.up_proj"):
        load_lean(folder, "nf4")
    save_file({**weights, "model.layers.1.mlp.up_proj.weight": lost[:3].clone()}, folder / "model.safetensors")
    with pytest.raises(ModelError, match="configuration says"):
        load_lean(folder, "nf4")


def test_attention_dropout_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    """It would be ignored silently."""
    model = add_adapter(load_base(tiny_model), LORA, base=str(tiny_model))
    model.get_base_model().config.attention_dropout = 0.1

    with pytest.raises(TrainError, match="attention_dropout"):
        Engine(model)


def test_nothing_supervised_but_the_first_token(tiny_model: Path) -> None:
    """No row has a target: the loss is zero, not an error in the middle of a run."""
    engine = Engine(randomised(add_adapter(load_base(tiny_model), LORA, base=str(tiny_model)), seed=2))
    packed = pack([Rendered((5, 6, 7), (True, False, False)), Rendered((8, 9), (False, True))])

    assert backward(engine, [packed]) > 0
    assert packed.supervised == 1
