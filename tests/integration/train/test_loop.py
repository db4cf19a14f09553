"""The training loop on a tiny model."""

import json
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file

from afina.bases.load import load_base
from afina.chat.render import load_renderer
from afina.errors import DiskFullError, ModelError, TrainError
from afina.records import Turn
from afina.settings import TrainSettings
from afina.train.checkpoint import checkpoints
from afina.train.encode import Encoded, encode_chats
from afina.train.loop import Progress, train
from tests.integration.store.test_paths import small_disk

__all__ = ["small_disk"]

CHATS = [(Turn("user", f"mensaje {i}"), Turn("assistant", "par" if i % 2 == 0 else "impar")) for i in range(24)]


def settings(**training: object) -> TrainSettings:
    """Short, with dropout, so that random state matters."""
    return TrainSettings.model_validate({
        "lora": {"r": 4, "lora_dropout": 0.1},
        "training": {"num_epochs": 2, "batch_size": 3, "gradient_accumulation_steps": 2, "learning_rate": 3e-3, "warmup_steps": 2,
                     "save_steps": 2, "eval_steps": 2, "logging_steps": 1, "max_seq_length": 64, **training},
    })  # fmt: skip


def data(model: Path) -> Encoded:
    """Twenty to learn from, four to validate."""
    rendered = encode_chats(CHATS, load_renderer(model), max_tokens=64)
    return Encoded(rendered[:20], rendered[20:])


class Killed(BaseException):
    """Stands for a process that ends at once."""


@pytest.mark.parametrize("at", [1, 3, 4, 7])
def test_an_interrupted_run_ends_with_the_same_weights(tiny_model: Path, tmp_path: Path, at: int) -> None:
    """Bit for bit, wherever it was interrupted: weights, optimiser, order and dropout go on."""

    def stop(progress: Progress) -> None:
        if progress.step == at:
            raise Killed

    train(data(tiny_model), settings(), base=tiny_model, out=tmp_path / "whole")
    with pytest.raises(Killed):
        train(data(tiny_model), settings(), base=tiny_model, out=tmp_path / "cut", on_progress=stop)
    train(data(tiny_model), settings(), base=tiny_model, out=tmp_path / "cut", resume=True)

    whole, cut = (load_file(tmp_path / name / "adapter" / "adapter_model.safetensors") for name in ("whole", "cut"))
    assert whole.keys() == cut.keys()
    assert all(torch.equal(whole[key], cut[key]) for key in whole)


def test_it_learns_and_leaves_plain_peft(tiny_model: Path, tmp_path: Path) -> None:
    """The loss falls; the adapter loads in plain PEFT; log, curve and TensorBoard are there."""
    result = train(data(tiny_model), settings(num_epochs=8), base=tiny_model, out=tmp_path / "run")

    PeftModel.from_pretrained(load_base(tiny_model), result.adapter)
    curve = [json.loads(line) for line in (tmp_path / "run" / "curve.jsonl").read_text("utf-8").splitlines()]
    losses = [p["value"] for p in curve if p["name"] == "loss/validation"]
    assert losses[-1] < losses[0]
    assert result.validation_loss == min(losses)
    assert "Loss:" in (tmp_path / "run" / "training.log").read_text("utf-8")
    assert list((tmp_path / "run" / "tensorboard").iterdir())


@pytest.mark.parametrize("kind", ["nf4", "bfloat16"])
def test_a_base_in_few_bits_goes_the_whole_way(tiny_model: Path, tmp_path: Path, kind: str) -> None:
    """With recomputed layers and passes smaller than a step: it learns, and the adapter loads on the plain base."""
    lean = settings(num_epochs=4, base_storage=kind, gradient_checkpointing=True, pack_tokens=40)
    result = train(data(tiny_model), lean, base=tiny_model, out=tmp_path / "run")

    PeftModel.from_pretrained(load_base(tiny_model), result.adapter)
    curve = [json.loads(line) for line in (tmp_path / "run" / "curve.jsonl").read_text("utf-8").splitlines()]
    losses = [p["value"] for p in curve if p["name"] == "loss/validation"]
    assert losses[-1] < losses[0]
    assert {"gradient_norm", "tokens_per_s"} <= {p["name"] for p in curve}


def test_the_best_weights_are_kept_not_the_last(tiny_model: Path, tmp_path: Path) -> None:
    """With a rate that is too high the validation loss turns; early stopping ends the run."""
    result = train(
        data(tiny_model),
        settings(num_epochs=30, learning_rate=0.05, early_stopping_patience=2),
        base=tiny_model,
        out=tmp_path / "r",
    )

    assert result.stopped_early
    assert result.best_step < result.steps < result.planned_steps


def test_accumulation_equals_one_large_batch(tiny_model: Path, tmp_path: Path) -> None:
    """The mean runs over the tokens of the whole step: 2 × 3 rows are 6 rows."""
    few = Encoded(data(tiny_model).train[:6], ())
    one = settings(batch_size=6, gradient_accumulation_steps=1, num_epochs=1).model_copy(deep=True)
    plain = {"lora": {"r": 4, "lora_dropout": 0.0}, "training": one.training.model_dump()}
    split = {
        "lora": {"r": 4, "lora_dropout": 0.0},
        "training": {**one.training.model_dump(), "batch_size": 3, "gradient_accumulation_steps": 2},
    }

    a = train(few, TrainSettings.model_validate(plain), base=tiny_model, out=tmp_path / "a")
    b = train(few, TrainSettings.model_validate(split), base=tiny_model, out=tmp_path / "b")

    assert a.train_loss == pytest.approx(b.train_loss, rel=1e-5)


def test_an_unfinished_checkpoint_is_not_taken(tiny_model: Path, tmp_path: Path) -> None:
    """Only a folder with its manifest counts."""
    train(data(tiny_model), settings(num_epochs=1), base=tiny_model, out=tmp_path / "r")
    half = tmp_path / "r" / "checkpoints" / "step_99999999"
    half.mkdir()

    assert half not in checkpoints(tmp_path / "r")


def test_a_folder_with_another_run_is_not_overwritten(tiny_model: Path, tmp_path: Path) -> None:
    """And a resume with other settings is refused."""
    train(data(tiny_model), settings(num_epochs=1), base=tiny_model, out=tmp_path / "r")

    with pytest.raises(TrainError, match="holds a run"):
        train(data(tiny_model), settings(num_epochs=1), base=tiny_model, out=tmp_path / "r")
    with pytest.raises(TrainError, match="other settings"):
        train(data(tiny_model), settings(num_epochs=2), base=tiny_model, out=tmp_path / "r", resume=True)


def test_a_full_disk_stops_with_words_and_resumes(tiny_model: Path, tmp_path: Path, small_disk: Path) -> None:
    """What was whole before stays whole; with room again the run goes on."""
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 1_950_000)

    with pytest.raises(DiskFullError, match="no space left"):
        train(data(tiny_model), settings(), base=tiny_model, out=small_disk / "r")
    ballast.unlink()
    result = train(data(tiny_model), settings(save_steps=50, eval_steps=50), base=tiny_model, out=small_disk / "r2")

    assert Path(result.adapter).is_dir()


def test_minutes_shorten_the_schedule(tiny_model: Path, tmp_path: Path) -> None:
    """Planned once from measured steps, and kept for a resume."""
    result = train(data(tiny_model), settings(num_epochs=1000, minutes=0.02), base=tiny_model, out=tmp_path / "r")

    assert result.planned_steps < 1000 * 4
    assert json.loads((tmp_path / "r" / "plan.json").read_text("utf-8"))["steps"] == result.planned_steps


def test_wrong_modules_and_broken_models_are_named(tiny_model: Path, tmp_path: Path) -> None:
    """Before any time is spent."""
    wrong = TrainSettings.model_validate({"lora": {"target_modules": ["nothing"]}})
    with pytest.raises(TrainError, match="nothing not in this architecture"):
        train(data(tiny_model), wrong, base=tiny_model, out=tmp_path / "r")
    with pytest.raises(TrainError, match="nothing to train on"):
        train(Encoded((), ()), settings(), base=tiny_model, out=tmp_path / "r")
    (tmp_path / "m").mkdir()
    with pytest.raises(ModelError, match=r"no config\.json"):
        load_base(tmp_path / "m")
    (tmp_path / "m" / "config.json").write_text('{"model_type": "qwen2"}', "utf-8")
    with pytest.raises(ModelError, match="is missing"):
        load_base(tmp_path / "m")
    (tmp_path / "m" / "model.safetensors").write_bytes(b"")
    with pytest.raises(ModelError, match="empty"):
        load_base(tmp_path / "m")
    (tmp_path / "m" / "model.safetensors").write_bytes(b"garbage")
    with pytest.raises(ModelError, match="damaged"):
        load_base(tmp_path / "m")
