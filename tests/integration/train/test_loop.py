"""The training loop on a tiny model."""

import json
import os
import shutil
import signal
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file

from afina.bases.load import load_base
from afina.chat.render import load_renderer
from afina.errors import DiskFullError, ModelError, TrainError
from afina.records import Turn
from afina.settings import TrainSettings
from afina.train import loop as loop_module
from afina.train import products
from afina.train.checkpoint import checkpoints
from afina.train.encode import Encoded, encode_chats, encode_documents
from afina.train.engine import Engine, backward
from afina.train.loop import Job, schedule, train, trainable_model
from afina.train.packing import Part
from afina.train.plan import Room
from afina.train.rates import Sweep, compare_rates
from tests.integration.store.test_paths import small_disk

__all__ = ["small_disk"]

CHATS = [(Turn("user", f"mensaje {i}"), Turn("assistant", "par" if i % 2 == 0 else "impar")) for i in range(24)]


def settings(**training: object) -> TrainSettings:
    """Short, with dropout, so that random state matters."""
    return TrainSettings.model_validate(
        {
            "lora": {"r": 4, "lora_dropout": 0.1},
            "training": {
                "num_epochs": 2,
                "batch_size": 3,
                "gradient_accumulation_steps": 2,
                "learning_rate": 3e-3,
                "warmup_steps": 2,
                "save_steps": 2,
                "eval_steps": 2,
                "logging_steps": 1,
                "max_seq_length": 64,
                "compute": "float32",
                **training,
            },
        }
    )


def data(model: Path) -> Encoded:
    """Twenty to learn from, four to validate."""
    rendered = encode_chats(CHATS, load_renderer(model), max_tokens=64)
    return Encoded(rendered[:20], rendered[20:])


def same_weights(*runs: Path) -> bool:
    """Bit for bit."""
    one, other = (load_file(run / "adapter" / "adapter_model.safetensors") for run in runs)
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


class Killed(BaseException):
    """Stands for a process that ends at once."""


@pytest.mark.parametrize("at", [1, 3, 4, 7])
def test_an_interrupted_run_ends_with_the_same_weights(tiny_model: Path, tmp_path: Path, at: int) -> None:
    """Bit for bit, wherever it was interrupted: weights, optimiser, order and dropout go on."""

    def stop(step: int, _steps: int, _note: str = "") -> None:
        if step == at:
            raise Killed

    train(data(tiny_model), settings(), base=tiny_model, job=Job(out=tmp_path / "whole"))
    with pytest.raises(Killed):
        train(data(tiny_model), settings(), base=tiny_model, job=Job(out=tmp_path / "cut", tell=stop))
    train(data(tiny_model), settings(), base=tiny_model, job=Job(out=tmp_path / "cut", resume=True))

    assert same_weights(tmp_path / "whole", tmp_path / "cut")


def test_a_resumed_run_keeps_its_number_of_threads(tiny_model: Path, tmp_path: Path) -> None:
    """Fewer cores on the day of the resume: another number of threads would round differently."""
    cores = os.sched_getaffinity(0)

    def stop(step: int, _steps: int, _note: str = "") -> None:
        if step == 3:
            raise Killed

    train(data(tiny_model), settings(), base=tiny_model, job=Job(out=tmp_path / "whole"))
    with pytest.raises(Killed):
        train(data(tiny_model), settings(), base=tiny_model, job=Job(out=tmp_path / "cut", tell=stop))
    os.sched_setaffinity(0, {min(cores)})
    try:
        train(data(tiny_model), settings(), base=tiny_model, job=Job(out=tmp_path / "cut", resume=True))
    finally:
        os.sched_setaffinity(0, cores)

    assert torch.get_num_threads() == len(cores)
    assert same_weights(tmp_path / "whole", tmp_path / "cut")


@pytest.mark.parametrize("kind", ["float32", "bfloat16", "nf4"])
def test_it_learns_in_bfloat16_and_says_so(tiny_model: Path, tmp_path: Path, kind: str) -> None:
    """Products rounded to eight bits of mantissa, whatever the base is kept as: nearly the same losses."""
    exact = train(data(tiny_model), settings(base_storage=kind), base=tiny_model, job=Job(out=tmp_path / "exact"))
    rounded = train(
        data(tiny_model), settings(base_storage=kind, compute="bfloat16"), base=tiny_model, job=Job(out=tmp_path / "b")
    )

    assert (exact.compute, rounded.compute) == ("float32", "bfloat16")
    assert rounded.validation_loss == pytest.approx(exact.validation_loss, rel=0.02)
    assert rounded.validation_loss != exact.validation_loss


def test_a_resumed_run_computes_as_it_began(tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`auto` measures; a resume on another processor, or beside other work, must not find otherwise."""

    def stop(step: int, _steps: int, _note: str = "") -> None:
        if step == 3:
            raise Killed

    monkeypatch.setattr(products, "bfloat16_speed", lambda _: 4.0)
    auto = settings(compute="auto")
    whole = train(data(tiny_model), auto, base=tiny_model, job=Job(out=tmp_path / "whole"))
    with pytest.raises(Killed):
        train(data(tiny_model), auto, base=tiny_model, job=Job(out=tmp_path / "cut", tell=stop))
    monkeypatch.setattr(products, "bfloat16_speed", lambda _: 0.3)
    train(data(tiny_model), auto, base=tiny_model, job=Job(out=tmp_path / "cut", resume=True))

    assert whole.compute == "bfloat16"
    assert same_weights(tmp_path / "whole", tmp_path / "cut")


def test_a_plan_without_a_checkpoint_is_not_taken_over(tiny_model: Path, tmp_path: Path) -> None:
    """A run that was killed before its first checkpoint leaves the steps it had planned; a new run plans its own."""
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "plan.json").write_text('{"steps": 1, "pack_tokens": 256, "threads": 1}', "utf-8")

    assert train(data(tiny_model), settings(), base=tiny_model, job=Job(out=tmp_path / "r")).steps == 8


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_waits_for_the_step_and_loses_none(tiny_model: Path, tmp_path: Path, number: int) -> None:
    """The step in progress is finished and saved, though no checkpoint was due; the resumed run goes on after it."""

    def ask(step: int, _steps: int, _note: str = "") -> None:
        if step == 3:
            os.kill(os.getpid(), number)

    # A shell starts background jobs with SIGINT ignored, and then so is Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    rare = settings(save_steps=50)
    train(data(tiny_model), rare, base=tiny_model, job=Job(out=tmp_path / "whole"))
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt):
        train(data(tiny_model), rare, base=tiny_model, job=Job(out=tmp_path / "cut", tell=ask))

    assert signal.getsignal(number) is before
    assert checkpoints(tmp_path / "cut")[-1].name == "step_00000003"
    train(data(tiny_model), rare, base=tiny_model, job=Job(out=tmp_path / "cut", resume=True))
    assert same_weights(tmp_path / "whole", tmp_path / "cut")


def test_it_waits_between_steps_while_told_to(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As often as it is told; then it goes on to the end."""
    monkeypatch.setattr(loop_module, "WAIT_S", 0.001)
    answers = iter([True, True, False])
    waited: list[bool] = []

    def must_wait() -> bool:
        waited.append(next(answers, False))
        return waited[-1]

    result = train(data(tiny_model), settings(), base=tiny_model, job=Job(out=tmp_path / "r", must_wait=must_wait))

    assert waited[:3] == [True, True, False]
    assert result.steps == result.planned_steps


def broken_at(call: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The so-many-th gradient from now on is no number."""
    calls = iter(range(1, 1000))

    def broken(engine: Engine, parts: Sequence[Part]) -> float:
        return float("nan") if next(calls) == call else backward(engine, parts)

    monkeypatch.setattr(loop_module, "backward", broken)


def test_a_divergence_goes_back_at_half_the_rate(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the fifth step to the checkpoint of the fourth; from there on every rate is half of the schedule's."""
    broken_at(5, monkeypatch)
    result = train(data(tiny_model), settings(), base=tiny_model, job=Job(out=tmp_path / "r"))

    assert result.steps == result.planned_steps
    assert "at step 5: back to step 4, learning rate × 0.5" in (tmp_path / "r" / "training.log").read_text("utf-8")
    curve = [json.loads(line) for line in (tmp_path / "r" / "curve.jsonl").read_text("utf-8").splitlines()]
    rates = {p["step"]: p["value"] for p in curve if p["name"] == "learning_rate"}
    for step, factor in ((4, 1.0), (5, 0.5), (8, 0.5)):
        wanted = 3e-3 * factor * schedule(step - 1, steps=result.planned_steps, warmup=2)
        assert rates[step] == pytest.approx(wanted)


def test_a_stop_before_a_divergence_changes_nothing(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checkpoint that a stop left is no place to return to: stopped and resumed, the run ends like the undisturbed one."""

    def ask(step: int, _steps: int, _note: str = "") -> None:
        if step == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    broken_at(4, monkeypatch)
    train(data(tiny_model), settings(), base=tiny_model, job=Job(out=tmp_path / "whole"))
    broken_at(4, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        train(data(tiny_model), settings(), base=tiny_model, job=Job(out=tmp_path / "cut", tell=ask))
    train(data(tiny_model), settings(), base=tiny_model, job=Job(out=tmp_path / "cut", resume=True))

    assert "back to step 2" in (tmp_path / "cut" / "training.log").read_text("utf-8")
    assert same_weights(tmp_path / "whole", tmp_path / "cut")


def test_a_run_that_only_diverges_ends_with_words(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After three returns; its weights never took the values in."""
    monkeypatch.setattr(loop_module, "backward", lambda *_: float("nan"))

    with pytest.raises(TrainError, match="diverges: loss nan"):
        train(data(tiny_model), settings(), base=tiny_model, job=Job(out=tmp_path / "r"))
    assert not (tmp_path / "r" / "adapter").exists()


def test_a_finished_run_is_not_made_again(tiny_model: Path, tmp_path: Path) -> None:
    """`--resume` gives its result."""
    first = train(data(tiny_model), settings(num_epochs=1), base=tiny_model, job=Job(out=tmp_path / "r"))
    steps: list[int] = []
    again = train(
        data(tiny_model),
        settings(num_epochs=1),
        base=tiny_model,
        job=Job(out=tmp_path / "r", resume=True, tell=lambda step, *_: steps.append(step)),
    )

    assert again == first
    assert not steps


def test_documents_first_then_chats(tiny_model: Path, tmp_path: Path) -> None:
    """The second run starts from the first one's adapter: its weights are there before a step is made."""
    texts = [f"El pedido {n} llegó el lunes y el cliente quedó contento." for n in range(12)]
    documents = Encoded(encode_documents(texts, load_renderer(tiny_model), max_tokens=32), ())
    first = train(documents, settings(), base=tiny_model, job=Job(out=tmp_path / "documents"))
    model = trainable_model(settings(), base=tiny_model, start=Path(first.adapter), tight=True)
    kept = load_file(Path(first.adapter) / "adapter_model.safetensors")
    own = {name.replace(".default", ""): value for name, value in model.state_dict().items() if "lora_" in name}
    second = train(
        data(tiny_model), settings(), base=tiny_model, job=Job(out=tmp_path / "chats", start=Path(first.adapter))
    )

    assert all(torch.equal(kept[name], value) for name, value in own.items())
    assert own
    PeftModel.from_pretrained(load_base(tiny_model), second.adapter)


def test_an_adapter_that_does_not_fit_is_named(tiny_model: Path, tmp_path: Path) -> None:
    """Of another base of the same shape, of another rank, or none at all."""
    one = train(data(tiny_model), settings(num_epochs=1), base=tiny_model, job=Job(out=tmp_path / "one"))
    other = Path(shutil.copytree(tiny_model, tmp_path / "other"))
    weights = load_file(other / "model.safetensors")
    save_file({name: value + 0.01 for name, value in weights.items()}, other / "model.safetensors", {"format": "pt"})

    for base, change, error in (
        (other, {}, "trained on another base"),
        (tiny_model, {"r": 8}, "its r is 4, the settings ask for 8"),
        (tiny_model, {"lora_alpha": 7}, "its lora_alpha is 32, the settings ask for 7"),
        (tiny_model, {"target_modules": ("q_proj",)}, "its target_modules is .* the settings ask for q_proj"),
    ):
        config = settings().model_copy(update={"lora": settings().lora.model_copy(update=change)})
        out = tmp_path / f"{base.name}{len(error)}"
        with pytest.raises((TrainError, ModelError), match=error):
            train(data(tiny_model), config, base=base, job=Job(out=out, start=Path(one.adapter)))
    with pytest.raises(TrainError, match="no adapter here"):
        train(data(tiny_model), settings(), base=tiny_model, job=Job(out=tmp_path / "none", start=tmp_path))


def test_too_little_memory_is_refused_before_weights_are_read(tiny_model: Path, tmp_path: Path) -> None:
    """With what it needs, what there is, and what to do."""
    with pytest.raises(TrainError, match=r"needs about .* 0\.1 GB may be taken"):
        train(data(tiny_model), settings(max_memory_gb=0.1), base=tiny_model, job=Job(out=tmp_path / "r"))


def test_recomputed_activations_give_the_same_weights(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So a run may take to them where memory is short, and an interrupted one on a machine that has more may go on without."""
    for again in (False, True):
        room = Room(tokens=60, tight=again, checkpointing=again)
        monkeypatch.setattr(loop_module, "require_memory", lambda *_of, room=room, **_more: room)
        train(data(tiny_model), settings(), base=tiny_model, job=Job(out=tmp_path / str(again)))
    assert same_weights(tmp_path / "False", tmp_path / "True")


@pytest.mark.parametrize("kind", ["float32", "nf4"])
def test_weights_that_are_no_numbers_are_named(tiny_model: Path, tmp_path: Path, kind: str) -> None:
    """However the base is kept."""
    broken = Path(shutil.copytree(tiny_model, tmp_path / "broken"))
    weights = load_file(broken / "model.safetensors")
    weights["model.layers.1.mlp.up_proj.weight"][3, 5] = float("nan")
    save_file(weights, broken / "model.safetensors", {"format": "pt"})

    with pytest.raises(ModelError, match=r"1 numbers of model\.layers\.1\.mlp\.up_proj\.weight are NaN"):
        train(data(tiny_model), settings(base_storage=kind), base=broken, job=Job(out=tmp_path / "r"))


def test_learning_rates_are_compared_from_one_start(tiny_model: Path) -> None:
    """A rate of almost nothing ends where training began, a good one below it, a mad one is no choice."""
    model = trainable_model(settings(), base=tiny_model, start=None, tight=False)
    found = compare_rates(model, data(tiny_model), settings(), sweep=Sweep(steps=6, rates=(1e-9, 3e-3, 1e18)))

    tiny, good, mad = (trial.loss for trial in found.trials)
    assert tiny == pytest.approx(found.before, abs=1e-4)
    assert good is not None
    assert good < found.before - 0.05
    assert mad is None
    assert found.best == 3e-3


def test_it_learns_and_leaves_plain_peft(tiny_model: Path, tmp_path: Path) -> None:
    """The loss falls; the adapter loads in plain PEFT; log, curve and TensorBoard are there."""
    result = train(data(tiny_model), settings(num_epochs=8), base=tiny_model, job=Job(out=tmp_path / "run"))

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
    result = train(data(tiny_model), lean, base=tiny_model, job=Job(out=tmp_path / "run"))

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
        job=Job(out=tmp_path / "r"),
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

    a = train(few, TrainSettings.model_validate(plain), base=tiny_model, job=Job(out=tmp_path / "a"))
    b = train(few, TrainSettings.model_validate(split), base=tiny_model, job=Job(out=tmp_path / "b"))

    assert a.train_loss == pytest.approx(b.train_loss, rel=1e-5)


def test_an_unfinished_checkpoint_is_not_taken(tiny_model: Path, tmp_path: Path) -> None:
    """Only a folder with its manifest counts."""
    train(data(tiny_model), settings(num_epochs=1), base=tiny_model, job=Job(out=tmp_path / "r"))
    half = tmp_path / "r" / "checkpoints" / "step_99999999"
    half.mkdir()

    assert half not in checkpoints(tmp_path / "r")


def test_a_folder_with_another_run_is_not_overwritten(tiny_model: Path, tmp_path: Path) -> None:
    """And a resume with other settings is refused."""
    train(data(tiny_model), settings(num_epochs=1), base=tiny_model, job=Job(out=tmp_path / "r"))

    with pytest.raises(TrainError, match="holds a run"):
        train(data(tiny_model), settings(num_epochs=1), base=tiny_model, job=Job(out=tmp_path / "r"))
    with pytest.raises(TrainError, match="other settings"):
        train(data(tiny_model), settings(num_epochs=2), base=tiny_model, job=Job(out=tmp_path / "r", resume=True))


def test_a_full_disk_stops_with_words_and_resumes(tiny_model: Path, tmp_path: Path, small_disk: Path) -> None:
    """What was whole before stays whole; with room again the run goes on."""
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 1_950_000)

    with pytest.raises(DiskFullError, match="no space left"):
        train(data(tiny_model), settings(), base=tiny_model, job=Job(out=small_disk / "r"))
    ballast.unlink()
    result = train(
        data(tiny_model), settings(save_steps=50, eval_steps=50), base=tiny_model, job=Job(out=small_disk / "r2")
    )

    assert Path(result.adapter).is_dir()


def test_minutes_shorten_the_schedule(tiny_model: Path, tmp_path: Path) -> None:
    """Planned once from measured steps, and kept for a resume."""
    result = train(
        data(tiny_model), settings(num_epochs=1000, minutes=0.02), base=tiny_model, job=Job(out=tmp_path / "r")
    )

    assert result.planned_steps < 1000 * 4
    assert json.loads((tmp_path / "r" / "plan.json").read_text("utf-8"))["steps"] == result.planned_steps


def test_measuring_takes_a_share_of_the_minutes(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six steps of a large base would take longer than the training that they are measured for."""
    passes: list[int] = []

    def counted(*given: Any) -> Any:
        passes.append(1)
        return backward(*given)

    monkeypatch.setattr(loop_module, "backward", counted)
    short = settings(num_epochs=1000, minutes=1e-5)
    result = train(data(tiny_model), short, base=tiny_model, job=Job(out=tmp_path / "r"))
    assert (result.steps, len(passes)) == (1, 2)


def test_wrong_modules_and_broken_models_are_named(tiny_model: Path, tmp_path: Path) -> None:
    """Before any time is spent."""
    wrong = TrainSettings.model_validate({"lora": {"target_modules": ["nothing"]}})
    with pytest.raises(TrainError, match="nothing not in this architecture"):
        train(data(tiny_model), wrong, base=tiny_model, job=Job(out=tmp_path / "r"))
    with pytest.raises(TrainError, match="nothing to train on"):
        train(Encoded((), ()), settings(), base=tiny_model, job=Job(out=tmp_path / "r"))
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


def test_a_resume_is_refused_with_what_differs(tiny_model: Path, tmp_path: Path) -> None:
    """Other data of equal length, other weights under one path; also of a run that is finished."""
    base, out = tmp_path / "base", tmp_path / "r"
    shutil.copytree(tiny_model, base)
    first = data(base)
    train(first, settings(num_epochs=1), base=base, job=Job(out=out))
    other = Encoded((*first.train[1:], replace(first.train[0], ids=(*first.train[0].ids[:-1], 7))), first.validation)
    masked = Encoded(
        (replace(first.train[0], supervised=(True,) * len(first.train[0].ids)), *first.train[1:]), first.validation
    )

    assert train(first, settings(num_epochs=1), base=base, job=Job(out=out, resume=True)).steps
    for changed in (other, masked, Encoded(first.train, first.validation[1:])):
        with pytest.raises(TrainError, match="other data"):
            train(changed, settings(num_epochs=1), base=base, job=Job(out=out, resume=True))
    weights = base / "model.safetensors"
    raw = bytearray(weights.read_bytes())
    raw[len(raw) // 3] ^= 1
    weights.write_bytes(raw)
    with pytest.raises(TrainError, match="other base weights"):
        train(first, settings(num_epochs=1), base=base, job=Job(out=out, resume=True))


@pytest.mark.parametrize("damage", ["state.pt empty", "state.pt cut", "adapter.safetensors cut", "manifest.json empty"])
def test_a_damaged_checkpoint_is_stepped_over(tiny_model: Path, tmp_path: Path, damage: str) -> None:
    """The run goes on from the one before and ends with the weights of an undisturbed one."""
    chosen = settings(num_epochs=3, save_steps=2, eval_steps=100)
    whole = train(data(tiny_model), chosen, base=tiny_model, job=Job(out=tmp_path / "whole"))
    train(data(tiny_model), chosen, base=tiny_model, job=Job(out=tmp_path / "r"))
    name, how = damage.split()
    found = sorted((tmp_path / "r" / "checkpoints").iterdir())
    assert len(found) > 1
    file = found[-1] / name
    file.write_bytes(file.read_bytes()[: 0 if how == "empty" else file.stat().st_size // 2])
    shutil.rmtree(tmp_path / "r" / "adapter")
    (tmp_path / "r" / "result.json").unlink()

    again = train(data(tiny_model), chosen, base=tiny_model, job=Job(out=tmp_path / "r", resume=True))

    one, other = (load_file(Path(run.adapter) / "adapter_model.safetensors") for run in (whole, again))
    assert all(bool((one[key] == other[key]).all()) for key in one)


def test_checkpoints_that_are_all_damaged_end_the_run(tiny_model: Path, tmp_path: Path) -> None:
    """Beginning anew would throw hours away without a word."""
    train(data(tiny_model), settings(num_epochs=1), base=tiny_model, job=Job(out=tmp_path / "r"))
    for folder in (tmp_path / "r" / "checkpoints").iterdir():
        (folder / "state.pt").write_bytes(b"")
    shutil.rmtree(tmp_path / "r" / "adapter")

    with pytest.raises(TrainError, match="none of its checkpoints can be read"):
        train(data(tiny_model), settings(num_epochs=1), base=tiny_model, job=Job(out=tmp_path / "r", resume=True))
