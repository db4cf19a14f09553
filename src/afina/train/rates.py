"""Which learning rate: short runs from the same start on the same examples, each with a whole schedule.

Runs of a few steps each, ended by a rate of zero like the real one, say more than one run with a growing rate (Smith 2017):
there every rate starts from what the smaller ones left.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from peft import get_peft_model_state_dict, set_peft_model_state_dict

from afina.chat.render import Rendered
from afina.errors import TrainError
from afina.progress import Tell, unheard
from afina.settings import TrainSettings
from afina.train.encode import Encoded, batch_order
from afina.train.engine import Engine, backward, mean_loss
from afina.train.loop import new_optimizer, schedule
from afina.train.packing import packs
from afina.train.plan import pack_limit

RATES = (3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
JUDGED = 64
"""Held-out examples that judge a rate."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One rate: held-out loss after its short run (nats per supervised token); None where it diverged."""

    rate: float
    loss: float | None


@dataclass(frozen=True, slots=True)
class Rates:
    """All trials, the held-out loss before training, and the best rate."""

    before: float
    trials: tuple[Trial, ...]
    best: float


def held_out(data: Encoded) -> tuple[Sequence[Rendered], Sequence[Rendered]]:
    """Rows to train and to judge on; without validation rows a tenth of the training rows are kept back.

    Raises:
        TrainError: there are too few.
    """
    if data.train and data.validation:
        return data.train, data.validation[:JUDGED]
    if len(data.train) < 10:
        raise TrainError(f"{len(data.train)} examples are too few to compare learning rates", remedy="give ten or more")
    count = max(1, min(JUDGED, len(data.train) // 10))
    return data.train[:-count], data.train[-count:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """Optimiser steps of each short run, and the learning rates to compare."""

    steps: int
    rates: Sequence[float] = RATES


def compare_rates(
    model: object,
    data: Encoded,
    settings: TrainSettings,
    *,
    sweep: Sweep,
    tell: Tell = unheard,
) -> Rates:
    """Train a few optimiser steps with each rate and judge them on held-out rows. The model's adapter is used up.

    Raises:
        TrainError: too few rows, or every rate diverged.
    """
    engine, options = Engine(model), settings.training
    steps, rates = sweep.steps, sweep.rates
    rows, judged = held_out(data)
    limit = pack_limit(engine.config, settings)
    size = options.batch_size * options.gradient_accumulation_steps
    judge = packs(judged, limit=limit)
    fresh = {name: value.clone() for name, value in get_peft_model_state_dict(engine.model).items()}
    engine.model.eval()
    before, trials = mean_loss(engine, judge), []
    for number, rate in enumerate(rates):
        set_peft_model_state_dict(engine.model, fresh)
        torch.manual_seed(options.seed)
        optimizer = new_optimizer(engine.model, options)
        engine.model.train()
        diverged = False
        for step in range(steps):
            tell(number * steps + step, len(rates) * steps, f"{rate:g}")
            epoch, at = divmod(step, -(-len(rows) // size))
            chosen = batch_order(len(rows), batch_size=size, seed=options.seed, epoch=epoch)[at]
            for group in optimizer.param_groups:
                group["lr"] = rate * schedule(step, steps=steps, warmup=max(1, steps // 10))
            optimizer.zero_grad(set_to_none=True)
            loss = backward(engine, packs([rows[row] for row in chosen], limit=limit))
            norm = torch.nn.utils.clip_grad_norm_(optimizer.param_groups[0]["params"], options.max_grad_norm)
            diverged = not (math.isfinite(loss) and math.isfinite(float(norm)))
            if diverged:
                break
            optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        engine.model.eval()
        loss = mean_loss(engine, judge)
        trials.append(Trial(rate, None if diverged or not math.isfinite(loss) else loss))
    learnt = [(trial.loss, trial.rate) for trial in trials if trial.loss is not None]
    if not learnt:
        raise TrainError("every learning rate diverged", remedy="look at the data and at the base's weights")
    return Rates(before, tuple(trials), min(learnt)[1])
