"""The training loop.

Loss on the answers' tokens only, averaged over the supervised tokens of the whole optimiser step (not per micro-batch,
which would weight short answers more). Checkpoints make a killed run end with the very weights of an undisturbed one.
"""

import functools
import math
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from afina.bases.folder import base_mark
from afina.bases.load import load_base
from afina.errors import TrainError
from afina.progress import Tell, unheard
from afina.settings import TrainingSettings, TrainSettings
from afina.store.paths import read_json, whole_folder, write_json
from afina.train.allocator import keep_freed_memory, return_freed_memory, start_afresh
from afina.train.checkpoint import Position, checkpoints, drop_stopped, load_checkpoint, save_adapter, save_checkpoint
from afina.train.divergence import MAX_RETURNS, divergence
from afina.train.encode import Encoded, batch_order
from afina.train.engine import Engine, backward, mean_loss
from afina.train.folder import identify, only_trainer, prepare_folder
from afina.train.gguf_base import load_gguf
from afina.train.interrupt import Stop, after_the_step
from afina.train.lean import load_lean
from afina.train.log import RunLog
from afina.train.model import add_adapter, start_from
from afina.train.packing import Part, packs
from afina.train.plan import require_memory
from afina.train.products import COMPUTES, decided, round_products
from afina.train.shape import read_model_config, shape_of

MEASURED_STEPS, MEASURING = 6, 0.1
"""Steps that are measured at most, and the share of the minutes allowed after which no other is begun."""
WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
"""While answers are slow: how often to ask, and after how long a step is made all the same."""


@dataclass(frozen=True, slots=True)
class TrainResult:
    """What a run reached. Losses are in nats per supervised token."""

    adapter: str
    steps: int
    planned_steps: int
    best_step: int
    validation_loss: float
    train_loss: float
    seconds: float
    tokens_per_s: float
    trainable_parameters: int
    stopped_early: bool
    compute: str = "float32"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run's circumstances, none of which changes its result.

    Args:
        out: folder of the run; the adapter lies in `out/adapter` in the end.
        start: adapter to go on from instead of a fresh one.
        resume: go on with the run that `out` holds.
        tell: hears of every optimiser step.
        must_wait: asked between two steps; the loop waits while it says so.
    """

    out: Path
    start: Path | None = None
    resume: bool = False
    tell: Tell = unheard
    must_wait: Callable[[], bool] = lambda: False


def train(data: Encoded, settings: TrainSettings, *, base: Path, job: Job) -> TrainResult:
    """Train a LoRA adapter; it lies in `job.out/adapter` as plain PEFT when this returns.

    Raises:
        TrainError: `out` holds another run, memory is too small, the run diverges, or `start` is of another base.
        DiskFullError: no space left. KeyboardInterrupt: somebody asked to stop; the step was finished and saved.
    """
    if not data.train:
        raise TrainError("there is nothing to train on")
    out, options = job.out, settings.training
    with only_trainer(out):
        prepare_folder(out, identify(data, settings, base=base, start=job.start), resume=job.resume)
        if job.resume and (done := finished(out)):
            return done
        start_afresh()
        kept, config = kept_plan(out), read_model_config(base)
        settings = decided(settings, shape_of(config), kept=COMPUTES[kept.get("bfloat16", 0)] if kept else None)
        options = settings.training
        room = require_memory(data.train, config, settings, limit=kept.get("pack_tokens"))
        threads = kept.get("threads", 0)
        own = room.settings(settings)
        model = trainable_model(own, base=base, start=job.start, tight=room.tight, threads=threads)
        log = RunLog(out)
        try:
            trainee = Trainee(
                model=model,
                optimizer=new_optimizer(model, options),
                pack_tokens=room.tokens,
                mark=base_mark(base),
                log=log,
            )
            return Loop(trainee, data, options, job).run()
        finally:
            log.close()


def finished(out: Path) -> TrainResult | None:
    """The result of a run that has nothing left to do."""
    if not (out / "result.json").is_file() or not (out / "adapter").is_dir():
        return None
    values: dict[str, Any] = dict.fromkeys(("validation_loss", "train_loss"), float("nan"))
    values |= {name: value for name, value in read_json(out / "result.json").items() if value is not None}
    return TrainResult(**values)


def kept_plan(out: Path) -> dict[str, int]:
    """Steps, tokens of a pass and threads of the interrupted run, if there is one: with others a resumed run would round differently."""
    file = out / "plan.json"
    return {name: int(value) for name, value in read_json(file).items()} if file.is_file() else {}


def trainable_model(settings: TrainSettings, *, base: Path, start: Path | None, tight: bool, threads: int = 0) -> Any:
    """The base with an adapter on it, stored and recomputed as the settings say; threads and allocator are set too.

    `tight`: freed memory is given back at once. `threads`: an interrupted run's; 0 = as set, or one a core.
    """
    options, kept = settings.training, settings.storage
    return_freed_memory()
    torch.set_num_threads(threads or options.threads or len(os.sched_getaffinity(0)))
    torch.manual_seed(options.seed)
    plain = load_stored(base, kept)
    if options.compute == "bfloat16":
        round_products(plain.get_decoder())
    model = add_adapter(plain, settings.lora, base=str(base))
    if tight:
        start_afresh()  # what loading left
    else:
        keep_freed_memory()  # after loading, whose leavings would lie between the weights for good
    if start is not None:
        start_from(model, start, base=base)
    if options.gradient_checkpointing:
        model.get_base_model().activation_checkpointing_enable({"use_reentrant": False})
    return model


def load_stored(base: Path, kind: str) -> Any:
    """The base in its stored form: a GGUF stays in its own blocks, whatever `kind` says."""
    if base.is_file():
        return load_gguf(base)
    return load_base(base) if kind == "float32" else load_lean(base, kind)


def new_optimizer(model: Any, options: TrainingSettings) -> torch.optim.Optimizer:
    """AdamW over what is trained."""
    return torch.optim.AdamW(
        [p for p in model.parameters() if p.requires_grad], lr=options.learning_rate, weight_decay=options.weight_decay
    )


def schedule(step: int, *, steps: int, warmup: int) -> float:
    """Share of the peak learning rate at `step` (from 0): linear warm-up, then half a cosine down to zero."""
    warmup = min(warmup, max(1, steps // 10)) if steps <= warmup else warmup
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Trainee:
    """A model with its adapter and optimiser, ready to train. `mark`: the base's, written into every adapter."""

    model: Any
    optimizer: torch.optim.Optimizer
    pack_tokens: int
    mark: str
    log: RunLog


class Loop:
    """One run's state: model, optimiser, position, log."""

    def __init__(self, trainee: Trainee, data: Encoded, options: TrainingSettings, job: Job) -> None:
        self.model, self.optimizer, self.data, self.options = trainee.model, trainee.optimizer, data, options
        self.engine = Engine(trainee.model)
        self.job, self.out, self.mark, self.log = job, job.out, trainee.mark, trainee.log
        self.position = Position()
        self.pack_tokens = trainee.pack_tokens
        self.trainable = [p for p in trainee.model.parameters() if p.requires_grad]
        self.tokens = 0

    def run(self) -> TrainResult:
        """All steps that are left.

        Raises:
            KeyboardInterrupt: a signal asked to stop; everything up to the last step is in a checkpoint.
        """
        began = time.monotonic()
        if self.job.resume:
            self.position = load_checkpoint(self.out, self.model, self.optimizer)
        per_epoch = len(self.order(0))
        steps, self.pack_tokens = self.planned(per_epoch)
        self.log.say(f"frozen products in {self.options.compute}")
        self.log.say(
            f"start at step {self.position.step} of {steps}, {sum(p.numel() for p in self.trainable)} trainable parameters, "
            f"{per_epoch} steps an epoch"
        )
        if not self.position.step and not checkpoints(self.out):
            self.save()  # what a divergence before the first checkpoint goes back to
        loss, validation = float("nan"), None
        with after_the_step() as stop:
            while self.position.step < steps and not self.is_exhausted():
                loss, norm, rate = self.step(per_epoch, steps)
                if why := divergence(loss, norm, self.position):
                    self.go_back(why)
                    continue
                self.update()
                step, last = self.position.step, self.position.step == steps
                if step % self.options.logging_steps == 0 or last:
                    self.say_step(loss, norm, rate, steps=steps, per_epoch=per_epoch)
                    self.log.scalar("tokens_per_s", self.tokens / (time.monotonic() - began), step)
                if self.data.validation and (step % self.options.eval_steps == 0 or last):
                    validation = self.evaluate()
                    self.judge(validation)
                shown = f", validation {validation:.3f}" if validation else ""
                self.job.tell(step, steps, f"loss {loss:.3f}{shown}")
                last = last or self.is_exhausted()
                due = step % self.options.save_steps == 0 and not self.position.spikes
                if due or last:
                    self.save()
                self.wait(stop)
                if stop.wanted and not last:
                    self.stop_here(saved=due)
            if self.is_exhausted():
                self.log.say(f"early stop: no better validation loss in {self.position.bad_evaluations} evaluations")
            self.finish()
            result = self.result(loss, planned=steps, tokens=self.tokens, seconds=time.monotonic() - began)
        if stop.wanted:  # asked for after the last step: the run is whole, what would follow it is not wanted
            raise KeyboardInterrupt
        return result

    def wait(self, stop: Stop) -> None:
        """Wait while others go first; not for ever, because they may be slow without us too."""
        until = time.monotonic() + LONGEST_WAIT_S
        while not stop.wanted and time.monotonic() < until and self.job.must_wait():
            time.sleep(WAIT_S)

    def stop_here(self, *, saved: bool) -> None:
        """Save what no checkpoint holds yet and end.

        Raises:
            KeyboardInterrupt: always.
        """
        if not saved:
            save_checkpoint(self.out, self.model, self.optimizer, self.position, stopped=True)
        self.log.say(f"stopped at step {self.position.step}, as asked")
        raise KeyboardInterrupt

    def step(self, per_epoch: int, steps: int) -> tuple[float, float, float]:
        """Gradients of one optimiser step. Returns mean loss, gradient norm before clipping, learning rate."""
        scale = schedule(self.position.step, steps=steps, warmup=self.options.warmup_steps)
        rate = self.options.learning_rate * self.position.rate_factor * scale
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.model.train()
        epoch, at = divmod(self.position.step, per_epoch)
        parts = self.packed(self.order(epoch)[at])
        self.tokens += sum(part.tokens for part in parts)
        loss = backward(self.engine, parts)
        norm = float(torch.nn.utils.clip_grad_norm_(self.trainable, self.options.max_grad_norm))
        return loss, norm, rate

    def update(self) -> None:
        """Apply the gradients."""
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.position.step += 1

    def save(self) -> None:
        """Write a checkpoint."""
        save_checkpoint(self.out, self.model, self.optimizer, self.position)

    def go_back(self, why: str) -> None:
        """Return to the last checkpoint at half the learning rate, at most three times in a run.

        Raises:
            TrainError: that did not help.
        """
        at, returns, factor = self.position.step + 1, self.position.returns + 1, self.position.rate_factor / 2
        if returns > MAX_RETURNS:
            raise TrainError(
                f"the run diverges: {why} at step {at}, after {MAX_RETURNS} returns to a checkpoint at half the rate each",
                remedy="lower training.learning_rate (`afina train --find-rate` compares some), or look at the data",
            )
        self.optimizer.zero_grad(set_to_none=True)
        drop_stopped(self.out)
        self.position = load_checkpoint(self.out, self.model, self.optimizer)
        self.position.returns, self.position.rate_factor, self.position.spikes = returns, factor, 0
        self.save()
        self.log.say(f"{why} at step {at}: back to step {self.position.step}, learning rate × {factor:g}")

    def result(self, loss: float, *, planned: int, tokens: int, seconds: float) -> TrainResult:
        """What was reached, also written to `result.json`."""
        result = TrainResult(
            adapter=str(self.out / "adapter"),
            steps=self.position.step,
            planned_steps=planned,
            best_step=self.position.best_step or self.position.step,
            validation_loss=self.position.best_loss,
            train_loss=loss,
            seconds=seconds,
            tokens_per_s=tokens / seconds,
            trainable_parameters=sum(p.numel() for p in self.trainable),
            stopped_early=self.is_exhausted() and self.position.step < planned,
            compute=self.options.compute,
        )
        write_json(self.out / "result.json", {k: finite(v) for k, v in asdict(result).items()})
        self.log.say(
            f"done: best step {result.best_step}, validation loss {result.validation_loss:.4f}, {seconds:.0f} s"
        )
        return result

    def planned(self, per_epoch: int) -> tuple[int, int]:
        """Steps of the whole schedule, shortened to the minutes allowed, and tokens of a pass; kept for a resume."""
        if kept := kept_plan(self.out):
            return kept["steps"], kept["pack_tokens"]
        steps = per_epoch * self.options.num_epochs
        if self.options.minutes:
            steps = max(1, min(steps, int(self.options.minutes * 60 / self.measure_step())))
        numbers = {"steps": steps, "pack_tokens": self.pack_tokens, "threads": torch.get_num_threads()}
        numbers["bfloat16"] = COMPUTES.index(self.options.compute)
        write_json(self.out / "plan.json", numbers)
        return steps, self.pack_tokens

    def measure_step(self) -> float:
        """Seconds of a typical optimiser step, warm-up excluded. Leaves weights and random state as they were. Measuring takes no more than a share
        of the minutes allowed: six steps of a 3B base are eight minutes.
        """
        random = torch.get_rng_state()
        self.model.train()
        times: list[float] = []
        for rows in self.order(0)[:MEASURED_STEPS]:
            if sum(times) > MEASURING * self.options.minutes * 60:
                break
            began = time.monotonic()
            backward(self.engine, self.packed(rows))
            times.append(time.monotonic() - began)
        self.optimizer.zero_grad(set_to_none=True)
        torch.set_rng_state(random)
        return sum(times[1:] or times) / len(times[1:] or times)

    def order(self, epoch: int) -> list[list[int]]:
        """The rows of every optimiser step of an epoch."""
        size = self.options.batch_size * self.options.gradient_accumulation_steps
        return batch_order(len(self.data.train), batch_size=size, seed=self.options.seed, epoch=epoch)

    def packed(self, rows: list[int]) -> list[Part]:
        """One optimiser step's examples, shared beginnings once."""
        return packs([self.data.train[row] for row in rows], limit=self.pack_tokens)

    @functools.cached_property
    def validation(self) -> list[Part]:
        """The validation part, packed once."""
        return packs(self.data.validation, limit=self.pack_tokens)

    def evaluate(self) -> float:
        """Mean loss per supervised token over the validation part; a beginning that all of it shares is run once a pack."""
        self.model.eval()
        return mean_loss(self.engine, self.validation)

    def judge(self, validation: float) -> None:
        """Keep the best weights."""
        self.log.scalar("loss/validation", validation, self.position.step)
        better = validation < self.position.best_loss
        self.log.say(f"step {self.position.step}: validation loss {validation:.4f}{' (best)' if better else ''}")
        if better:
            self.position.best_loss, self.position.best_step = validation, self.position.step
            self.position.bad_evaluations = 0
            save_adapter(self.model, self.best_folder(self.position.step), mark=self.mark)
        else:
            self.position.bad_evaluations += 1

    def is_exhausted(self) -> bool:
        """Whether it is time to stop early."""
        patience = self.options.early_stopping_patience
        return patience > 0 and self.position.bad_evaluations >= patience

    def say_step(self, loss: float, norm: float, rate: float, *, steps: int, per_epoch: int) -> None:
        """One line in the log, one point on each curve."""
        step = self.position.step
        epoch = (step - 1) // per_epoch + 1
        self.log.say(f"Epoch {epoch}/{self.options.num_epochs} - Step {step}/{steps} - Loss: {loss:.4f}")
        for name, value in (("loss/train", loss), ("gradient_norm", norm), ("learning_rate", rate)):
            self.log.scalar(name, value, step)

    def best_folder(self, step: int) -> Path:
        """Where the best weights of a step lie until the end."""
        return self.out / "best" / f"step_{step:08d}"

    def finish(self) -> None:
        """Put the best weights into `adapter/`; without validation data, the last ones."""
        final = self.out / "adapter"
        if not self.position.best_step:
            save_adapter(self.model, final, mark=self.mark)
        elif (best := self.best_folder(self.position.best_step)).is_dir():
            with whole_folder(final) as partial:
                shutil.copytree(best, partial, dirs_exist_ok=True)
        shutil.rmtree(self.out / "best", ignore_errors=True)


def finite(value: Any) -> Any:
    """JSON has no infinity."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
