"""The training loop.

Loss on the answers' tokens only, averaged over the supervised tokens of the whole optimiser step (not per micro-batch,
which would weight short answers more). Checkpoints make a killed run end with the very weights of an undisturbed one.
"""

import fcntl
import functools
import math
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from afina.bases.load import load_base
from afina.errors import TrainError
from afina.settings import TrainingSettings, TrainSettings
from afina.store.paths import read_json, whole_folder, write_json
from afina.train.allocator import keep_freed_memory
from afina.train.checkpoint import Position, load_checkpoint, save_adapter, save_checkpoint
from afina.train.encode import Encoded, batch_order
from afina.train.engine import Engine, backward
from afina.train.lean import load_lean
from afina.train.log import RunLog
from afina.train.model import add_adapter
from afina.train.packing import Part, packs
from afina.train.plan import pack_limit


@dataclass(frozen=True, slots=True)
class Progress:
    """Said after every optimiser step."""

    step: int
    steps: int
    loss: float
    validation_loss: float | None


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


def train(
    data: Encoded,
    settings: TrainSettings,
    *,
    base: Path,
    out: Path,
    resume: bool = False,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> TrainResult:
    """Train a LoRA adapter; it lies in `out/adapter` as plain PEFT when this returns.

    Raises:
        TrainError: `out` holds another run, or the loss is no longer a number. DiskFullError: no space left.
    """
    if not data.train:
        raise TrainError("there is nothing to train on")
    with only_trainer(out):
        return train_locked(data, settings, base=base, out=out, resume=resume, on_progress=on_progress)


@contextmanager
def only_trainer(out: Path) -> Iterator[None]:
    """Hold the folder's lock: two trainers in one folder would take each other's files for their own.

    Raises:
        TrainError: another process is training there.
    """
    out.mkdir(parents=True, exist_ok=True)
    with (out / ".lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise TrainError(
                f"{out}: another process is training here", remedy="wait for it, or stop it first"
            ) from exc
        yield


def train_locked(
    data: Encoded,
    settings: TrainSettings,
    *,
    base: Path,
    out: Path,
    resume: bool,
    on_progress: Callable[[Progress], None],
) -> TrainResult:
    """`train`, with the folder's lock held."""
    options = settings.training
    prepare_folder(out, settings, base=base, rows=len(data.train), resume=resume)
    keep_freed_memory()
    torch.set_num_threads(options.threads or len(os.sched_getaffinity(0)))
    torch.manual_seed(options.seed)
    kept = settings.storage
    model = add_adapter(load_base(base) if kept == "float32" else load_lean(base, kept), settings.lora, base=str(base))
    if options.gradient_checkpointing:
        model.get_base_model().activation_checkpointing_enable({"use_reentrant": False})
    optimizer = torch.optim.AdamW(
        [p for p in model.parameters() if p.requires_grad], lr=options.learning_rate, weight_decay=options.weight_decay
    )
    log = RunLog(out)
    try:
        loop = Loop(
            model, optimizer, data, options, pack_tokens=pack_limit(model.config, settings), out=out, log=log,
            on_progress=on_progress,
        )  # fmt: skip
        return loop.run(resume=resume)
    finally:
        log.close()


def prepare_folder(out: Path, settings: TrainSettings, *, base: Path, rows: int, resume: bool) -> None:
    """Write the resolved settings, or make sure that a resumed run has the same ones."""
    identity = {"settings": settings.model_dump(mode="json"), "base": str(base), "rows": rows}
    file = out / "run.json"
    if resume and file.is_file():
        if read_json(file) != identity:
            raise TrainError(
                f"{out}: the interrupted run had other settings, base or data",
                remedy="repeat its settings, or train into another folder",
            )
        return
    if ((out / "checkpoints").exists() or (out / "adapter").exists()) and not resume:
        raise TrainError(f"{out}: holds a run already", remedy="use --resume to go on, or another folder")
    write_json(file, identity)


def schedule(step: int, *, steps: int, warmup: int) -> float:
    """Share of the peak learning rate at `step` (from 0): linear warm-up, then half a cosine down to zero."""
    warmup = min(warmup, max(1, steps // 10)) if steps <= warmup else warmup
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


class Loop:
    """One run's state: model, optimiser, position, log."""

    def __init__(
        self,
        model: Any,
        optimizer: torch.optim.Optimizer,
        data: Encoded,
        options: TrainingSettings,
        *,
        pack_tokens: int,
        out: Path,
        log: RunLog,
        on_progress: Callable[[Progress], None],
    ) -> None:
        self.model, self.optimizer, self.data, self.options = model, optimizer, data, options
        self.engine = Engine(model)
        self.out, self.log, self.on_progress = out, log, on_progress
        self.position = Position()
        self.pack_tokens = pack_tokens
        self.trainable = [p for p in model.parameters() if p.requires_grad]

    def run(self, *, resume: bool) -> TrainResult:
        """All steps that are left."""
        began = time.monotonic()
        if resume:
            self.position = load_checkpoint(self.out, self.model, self.optimizer)
        per_epoch = len(self.order(epoch=0))
        steps, self.pack_tokens = self.planned(per_epoch)
        trainable = sum(p.numel() for p in self.trainable)
        self.log.say(
            f"start at step {self.position.step} of {steps}, {trainable} trainable parameters, {per_epoch} steps an epoch"
        )
        tokens, loss = 0, float("nan")
        validation: float | None = None
        for batch in self.batches(per_epoch, steps):
            # ---- one optimiser step ----
            scale = schedule(self.position.step, steps=steps, warmup=self.options.warmup_steps)
            for group in self.optimizer.param_groups:
                group["lr"] = self.options.learning_rate * scale
            self.model.train()
            loss = backward(self.engine, batch)
            norm = float(torch.nn.utils.clip_grad_norm_(self.trainable, self.options.max_grad_norm))
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)
            self.position.step += 1
            # ----------------------------
            if not (math.isfinite(loss) and math.isfinite(norm)):
                raise TrainError(
                    f"the loss is {loss}, its gradient's norm {norm}, at step {self.position.step}",
                    remedy="lower training.learning_rate; the checkpoints before this step are whole",
                )
            tokens += sum(pack.tokens for pack in batch)
            step, last = self.position.step, self.position.step == steps
            if step % self.options.logging_steps == 0 or last:
                self.say_step(loss, scale, steps=steps, per_epoch=per_epoch)
                self.log.scalar("gradient_norm", norm, step)
                self.log.scalar("tokens_per_s", tokens / (time.monotonic() - began), step)
            if self.data.validation and (step % self.options.eval_steps == 0 or last):
                validation = self.evaluate()
                self.judge(validation)
            if step % self.options.save_steps == 0 or last or self.is_exhausted():
                save_checkpoint(self.out, self.model, self.optimizer, self.position)
            self.on_progress(Progress(step, steps, loss, validation))
        if self.is_exhausted():
            self.log.say(f"early stop: no better validation loss in {self.position.bad_evaluations} evaluations")
        self.finish()
        return self.result(loss, planned=steps, tokens=tokens, seconds=time.monotonic() - began)

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
        )
        write_json(self.out / "result.json", {k: finite(v) for k, v in asdict(result).items()})
        self.log.say(
            f"done: best step {result.best_step}, validation loss {result.validation_loss:.4f}, {seconds:.0f} s"
        )
        return result

    def planned(self, per_epoch: int) -> tuple[int, int]:
        """Steps of the whole schedule, shortened to the minutes allowed, and tokens of a pass; kept for a resume."""
        file = self.out / "plan.json"
        if file.is_file():
            plan = read_json(file)
            return int(plan["steps"]), int(plan["pack_tokens"])
        steps = per_epoch * self.options.num_epochs
        if self.options.minutes:
            steps = max(1, min(steps, int(self.options.minutes * 60 / self.measure_step())))
        write_json(file, {"steps": steps, "pack_tokens": self.pack_tokens})
        return steps, self.pack_tokens

    def measure_step(self) -> float:
        """Seconds of a typical optimiser step, warm-up excluded. Leaves weights and random state as they were."""
        random = torch.get_rng_state()
        self.model.train()
        times = []
        for rows in self.order(epoch=0)[:6]:
            began = time.monotonic()
            backward(self.engine, self.packed(rows))
            times.append(time.monotonic() - began)
        self.optimizer.zero_grad(set_to_none=True)
        torch.set_rng_state(random)
        return sum(times[1:] or times) / len(times[1:] or times)

    def order(self, *, epoch: int) -> list[list[int]]:
        """The rows of every optimiser step of an epoch."""
        size = self.options.batch_size * self.options.gradient_accumulation_steps
        return batch_order(len(self.data.train), batch_size=size, seed=self.options.seed, epoch=epoch)

    def packed(self, rows: list[int]) -> list[Part]:
        """One optimiser step's examples, shared beginnings once."""
        return packs([self.data.train[row] for row in rows], limit=self.pack_tokens)

    def batches(self, per_epoch: int, steps: int) -> Iterator[list[Part]]:
        """The examples of each optimiser step that is still to be made."""
        while self.position.step < steps and not self.is_exhausted():
            epoch, first = divmod(self.position.step, per_epoch)
            for rows in self.order(epoch=epoch)[first:]:
                if self.position.step >= steps or self.is_exhausted():
                    return
                yield self.packed(rows)

    @functools.cached_property
    def validation(self) -> list[Part]:
        """The validation part, packed once."""
        return packs(self.data.validation, limit=self.pack_tokens)

    @torch.no_grad()
    def evaluate(self) -> float:
        """Mean loss per supervised token over the validation part; a beginning that all of it shares is run once a pack."""
        self.model.eval()
        parts = self.validation
        return sum(float(self.engine.loss(part)) for part in parts) / sum(part.supervised for part in parts)

    def judge(self, validation: float) -> None:
        """Keep the best weights."""
        self.log.scalar("loss/validation", validation, self.position.step)
        better = validation < self.position.best_loss
        self.log.say(f"step {self.position.step}: validation loss {validation:.4f}{' (best)' if better else ''}")
        if better:
            self.position.best_loss, self.position.best_step = validation, self.position.step
            self.position.bad_evaluations = 0
            save_adapter(self.model, self.best_folder(self.position.step))
        else:
            self.position.bad_evaluations += 1

    def is_exhausted(self) -> bool:
        """Whether it is time to stop early."""
        patience = self.options.early_stopping_patience
        return patience > 0 and self.position.bad_evaluations >= patience

    def say_step(self, loss: float, scale: float, *, steps: int, per_epoch: int) -> None:
        """One line in the log, one point on the curves."""
        step = self.position.step
        epoch = (step - 1) // per_epoch + 1
        self.log.say(f"Epoch {epoch}/{self.options.num_epochs} - Step {step}/{steps} - Loss: {loss:.4f}")
        self.log.scalar("loss/train", loss, step)
        self.log.scalar("learning_rate", self.options.learning_rate * scale, step)

    def best_folder(self, step: int) -> Path:
        """Where the best weights of a step lie until the end."""
        return self.out / "best" / f"step_{step:08d}"

    def finish(self) -> None:
        """Put the best weights into `adapter/`; without validation data, the last ones."""
        final = self.out / "adapter"
        if not self.position.best_step:
            save_adapter(self.model, final)
        elif (best := self.best_folder(self.position.best_step)).is_dir():
            with whole_folder(final) as partial:
                shutil.copytree(best, partial, dirs_exist_ok=True)
        shutil.rmtree(self.out / "best", ignore_errors=True)


def finite(value: Any) -> Any:
    """JSON has no infinity."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
