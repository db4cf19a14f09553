"""What a training will take, before it starts: minutes, memory, disk; and what to change where that is too much.

Time is measured, not guessed: one decoder layer of the model's own shape, with random weights, runs forward and backward on
one of the real packs; the head on some of its rows. Memory is counted from what the engine keeps.
"""

import copy
import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

import psutil
import torch
from transformers import AutoModelForCausalLM

from afina.bases.memory import available_memory
from afina.chat.render import Rendered
from afina.errors import TrainError
from afina.files import NOTICES
from afina.progress import Tell, unheard
from afina.settings import TrainSettings
from afina.train.allocator import keep_freed_memory, return_freed_memory
from afina.train.encode import batch_order
from afina.train.engine import Engine
from afina.train.gguf_base import load_gguf
from afina.train.kernels import apply
from afina.train.loss import LOGITS_BYTES, SupervisedLoss
from afina.train.model import add_adapter
from afina.train.packing import Packed, Part, pack, packs, passes
from afina.train.products import decided, round_products
from afina.train.shape import Shape, shape_of
from afina.train.storage import BLOCK, PART_BYTES, attach, store

BITS = {"float32": 32.0, "bfloat16": 16.0, "nf4": 4.13}
GGUF = "gguf"
"""The base stays in its file: there is no other storage to choose."""
PROBE_VOCABULARY = 4096
RUNTIME_BYTES = 0.45e9
"""Interpreter, torch and transformers without any model."""
SAMPLED_STEPS = 16
ROOMY = 4.0
"""Where this many times the memory that a run needs may be taken, freed memory is kept: giving it back costs a fifth of the
speed (docs/lab-notes.md).
"""
HOLES, HOLES_GIVEN_BACK, HOLES_KEPT = 1.1, 1.15, 4.6
"""Memory of activations and temporaries as the allocator holds it, over what they are: everything kept for the backward pass;
recomputed, holes given back; recomputed, holes kept (measured: `python -m bench.train_plan`, `python -m bench.train_memory`).
"""
ENOUGH_S = 4.0
"""Of measuring one way: six of them stay within a minute."""
PROBE_LAYERS = 8
"""Fewer miss what freed memory costs: of two layers nothing lies between the holes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to train, with what it takes: seconds of an optimiser step, bytes of peak memory."""

    storage: str
    checkpointing: bool
    step_s: float
    ram_bytes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run takes. `way` is the one to take: the settings' own if it fits, else the fastest that does, else None."""

    weights: int
    adapter_weights: int
    examples: int
    steps: int
    tokens_per_step: int
    packed_per_step: int
    gflops: float
    compute: str
    ways: tuple[Way, ...]
    way: Way | None
    seconds: float
    disk_bytes: float
    memory_bytes: float
    remedies: tuple[str, ...]


def plan_training(
    examples: Sequence[Rendered],
    config: Any,
    settings: TrainSettings,
    *,
    max_hours: float = 0.0,
    tell: Tell = unheard,
) -> Plan:
    """Measure for at most a minute or so and predict.

    Raises:
        TrainError: there is nothing to train on.
    """
    if not examples:
        raise TrainError("there is nothing to train on")
    memory = memory_limit(settings)
    shape = shape_of(config)
    settings = decided(settings, shape)
    options = settings.training
    torch.set_num_threads(options.threads or len(os.sched_getaffinity(0)))
    ways, sampled = [], []
    offered = ways_of(shape)
    own_way = own_of(settings, shape)
    for done, (storage, again) in enumerate(offered):
        tell(done, len(offered), storage)
        limit = pack_limit(config, settings, memory=memory, storage=storage, checkpointing=again)
        parts = sampled_parts(examples, settings, limit=limit)
        ways.append(way_of(parts, config, settings, Variant(storage, again), memory=memory))
        if (storage, again) == own_way:
            sampled = [[one for part in step for one in passes(part)] for step in parts]
    own = next(w for w in ways if (w.storage, w.checkpointing) == own_way)
    by_itself = [w for w in ways if w.storage == own.storage and w.checkpointing]  # what `require_memory` takes then
    fitting = sorted((w for w in ways if w.ram_bytes <= memory), key=lambda way: way.step_s)
    way = next((w for w in (own, *by_itself, *fitting) if w.ram_bytes <= memory), None)
    steps = -(-len(examples) // (options.batch_size * options.gradient_accumulation_steps)) * options.num_epochs
    seconds = steps * (way or own).step_s
    adapter = shape.adapter_weights(settings.lora.r)
    return Plan(
        weights=shape.weights,
        adapter_weights=adapter,
        examples=len(examples),
        steps=steps,
        tokens_per_step=mean(sum(p.tokens for p in step) for step in sampled),
        packed_per_step=mean(sum(len(p.ids) for p in step) for step in sampled),
        gflops=gemm_rate(shape),
        compute=options.compute,
        ways=tuple(ways),
        way=way,
        seconds=seconds,
        memory_bytes=memory,
        disk_bytes=4.0 * adapter * (3 * 2 + 2),  # two checkpoints with two moments each, the best and the final adapter
        remedies=tuple(remedies(own, way, settings, seconds=seconds, max_hours=max_hours)),
    )


def ways_of(shape: Shape) -> tuple[tuple[str, bool], ...]:
    """Storages with and without recomputed activations, as this base can be kept."""
    return tuple((storage, again) for storage in ([GGUF] if shape.stored_bits else BITS) for again in (False, True))


def own_of(settings: TrainSettings, shape: Shape) -> tuple[str, bool]:
    """The way that the settings ask for."""
    return (GGUF if shape.stored_bits else settings.storage, settings.training.gradient_checkpointing)


def memory_limit(settings: TrainSettings) -> float:
    """Bytes that this process may have in all: as set, else what is available beside what it has."""
    return settings.training.max_memory_gb * 1e9 or available_memory() + psutil.Process().memory_info().rss


def sampled_parts(examples: Sequence[Rendered], settings: TrainSettings, *, limit: int) -> list[list[Part]]:
    """How the first optimiser steps are packed."""
    options = settings.training
    size = options.batch_size * options.gradient_accumulation_steps
    order = batch_order(len(examples), batch_size=size, seed=options.seed, epoch=0)
    return [packs([examples[at] for at in rows], limit=limit) for rows in order[:SAMPLED_STEPS]]


def heaviest(parts: Iterable[Part]) -> tuple[int, int]:
    """Tokens and supervised rows that are in memory at once, at most: of a shared beginning, it and one pass behind it."""
    return max(
        (
            len(part.ids)
            if isinstance(part, Packed)
            else len(part.prefix.ids) + max(len(one.ids) for one in part.rest),
            max(len(one.rows) for one in passes(part)),
        )
        for part in parts
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Tokens of one forward pass that fit; `tight`: freed memory must be given back while training. `checkpointing`: activations are made
    again, as set or because the run would not fit otherwise: slower, with the same result.
    """

    tokens: int
    tight: bool
    checkpointing: bool

    def settings(self, wanted: TrainSettings) -> TrainSettings:
        """The settings as they fit."""
        training = wanted.training.model_copy(update={"gradient_checkpointing": self.checkpointing})
        return wanted.model_copy(update={"training": training})


def require_memory(
    examples: Sequence[Rendered], config: Any, settings: TrainSettings, *, limit: int | None = None
) -> Room:
    """Room for a run. One that fits only if it makes its activations again does so, and says it. One that will not fit is refused before its
    weights are read: the kernel would end it hours later without a word.

    `limit` is an interrupted run's.

    Raises:
        TrainError: it needs more than there is; names the ways that fit.
    """
    memory, shape = memory_limit(settings), shape_of(config)
    longest = pack([max(examples, key=lambda row: len(row.ids))])
    limits, needs = {}, {}
    for way in ways_of(shape):
        storage, again = way
        limits[way] = limit or pack_limit(config, settings, memory=memory, storage=storage, checkpointing=again)
        steps = sampled_parts(examples, settings, limit=limits[way])
        load = heaviest([longest, *(part for step in steps for part in step)])
        needs[way] = ram_bytes(shape, settings, load, Variant(storage, again))
    own = own_of(settings, shape)
    for way in (own, (own[0], True)):
        if needs[way] > memory:
            continue
        if way != own:
            NOTICES.warning(
                "activations are made again (gradient_checkpointing): %.1f GB of memory are needed instead of %.1f, %.1f may be taken",
                needs[way] / 1e9,
                needs[own] / 1e9,
                memory / 1e9,
            )
        tight = is_tight(needs[way], memory, storage=way[0], checkpointing=way[1])
        return Room(tokens=limits[way], tight=tight, checkpointing=way[1])
    fitting = [f"{named(*way)} ({need / 1e9:.1f} GB)" for way, need in needs.items() if need <= memory]
    raise TrainError(
        f"this training needs about {needs[own] / 1e9:.1f} GB of memory, {memory / 1e9:.1f} GB may be taken",
        remedy=f"in [training]: {' or '.join(fitting[:2])}; `afina train --plan` says what each costs in time"
        if fitting
        else "a smaller base, shorter examples (max_seq_length), a smaller pack_tokens, or more memory",
    )


def named(storage: str, again: bool) -> str:
    """A way as it is written into the settings."""
    kept = [] if storage == GGUF else [f'base_storage = "{storage}"']
    return " with ".join([*kept, *(["gradient_checkpointing = true"] if again else [])]) or "as it is"


def is_tight(need: float, memory: float, *, storage: str, checkpointing: bool) -> bool:
    """Whether freed memory is given back while training: in the ways of people who are short of it, unless there is room."""
    return (checkpointing or storage != "float32") and need * ROOMY > memory


def mean(values: Iterable[int]) -> int:
    """Rounded."""
    found = list(values)
    return round(sum(found) / len(found))


def remedies(own: Way, way: Way | None, settings: TrainSettings, *, seconds: float, max_hours: float) -> list[str]:
    """What to change, in the order in which it costs least."""
    said = []
    if way is None:
        said.append("no way fits: a smaller base, a smaller training.pack_tokens, or more memory")
    elif way != own:
        if way.storage != own.storage:
            said.append(f'training.base_storage = "{way.storage}"')
        if way.checkpointing != own.checkpointing:
            said.append("training.gradient_checkpointing = true")
    if max_hours and seconds > max_hours * 3600:
        over = seconds / (max_hours * 3600)
        said.append(f"{over:.1f} times the hours allowed: about {1 / over:.0%} of the examples")
        if settings.training.num_epochs > 2:
            said.append(f"or training.num_epochs = 2 ({2 / settings.training.num_epochs:.0%} of the time)")
        if settings.lora.r > 8:
            said.append("or lora.r = 8 (a few per cent)")
    return said


@dataclass(frozen=True, slots=True)
class Variant:
    """How the base is kept, whether activations are made again, and whether freed memory is given back to the system."""

    storage: str
    checkpointing: bool
    tight: bool = True


def way_of(
    steps: Sequence[Sequence[Part]], config: Any, settings: TrainSettings, variant: Variant, *, memory: float
) -> Way:
    """One way, timed on the pass nearest to the mean."""
    shape, storage, checkpointing = shape_of(config), variant.storage, variant.checkpointing
    every = [one for step in steps for part in step for one in passes(part)]
    tokens = sum(len(one.ids) for one in every)
    typical = min(every, key=lambda one: abs(len(one.ids) - tokens / len(every)))
    rows = sum(len(one.rows) for one in every) / len(steps)
    load = heaviest(part for step in steps for part in step)
    need = ram_bytes(shape, settings, load, variant)
    tight = is_tight(need, memory, storage=storage, checkpointing=checkpointing)
    if checkpointing and not tight:
        need = ram_bytes(shape, settings, load, Variant(storage, checkpointing=True, tight=False))
    layer = layer_seconds(typical, config, settings, Variant(storage, checkpointing, tight))
    return Way(
        storage=storage,
        checkpointing=checkpointing,
        step_s=layer / len(typical.ids) * tokens / len(steps) * shape.layers + head_seconds(shape, storage) * rows,
        ram_bytes=need,
    )


def pack_limit(
    config: Any,
    settings: TrainSettings,
    *,
    memory: float | None = None,
    storage: str | None = None,
    checkpointing: bool | None = None,
) -> int:
    """Tokens of one forward pass: as set, else what half of the memory (bytes) beside the weights can keep, 256 to 4,096."""
    if settings.training.pack_tokens:
        return settings.training.pack_tokens
    shape = shape_of(config)
    again = settings.training.gradient_checkpointing if checkpointing is None else checkpointing
    kept = shape.kept_per_token(dropout=settings.lora.lora_dropout > 0)
    numbers = shape.layers * shape.hidden + kept if again else shape.layers * kept
    beside = (memory or memory_limit(settings)) - fixed_bytes(
        shape, settings, storage=storage or own_of(settings, shape)[0]
    )
    return max(256, min(4096, int(0.5 * beside / (4 * numbers))))


def fixed_bytes(shape: Shape, settings: TrainSettings, *, storage: str) -> float:
    """Memory that does not depend on the examples: libraries, frozen weights, adapter with gradient and moments."""
    bits = shape.stored_bits or BITS["bfloat16" if storage == "nf4" and shape.hidden % BLOCK else storage]
    return RUNTIME_BYTES + shape.weights * bits / 8 + 16.0 * shape.adapter_weights(settings.lora.r)


def ram_bytes(shape: Shape, settings: TrainSettings, load: tuple[int, int], variant: Variant) -> float:
    """Peak resident memory of a run whose heaviest moment holds `load` = (tokens, supervised rows)."""
    storage, checkpointing, tight = variant.storage, variant.checkpointing, variant.tight
    tokens, rows = load
    layer = 4.0 * tokens * shape.kept_per_token(dropout=settings.lora.lora_dropout > 0)
    kept = (shape.layers * 4.0 * tokens * shape.hidden + layer) if checkpointing else shape.layers * layer
    logits = min(float(LOGITS_BYTES), 4.0 * rows * shape.vocabulary)
    decoded = 0.0 if storage == "float32" else 5.0 * PART_BYTES
    working = 4.0 * tokens * (3 * shape.inner + 4 * shape.hidden)
    holes = HOLES if not checkpointing else HOLES_GIVEN_BACK if tight else HOLES_KEPT
    return fixed_bytes(shape, settings, storage=storage) + holes * (kept + logits + decoded + working)


def timed(function: Callable[[], Any], *, repeats: int = 2) -> list[float]:
    """Seconds of some repeats after a first one that does not count; of one, where it has taken long already."""
    began = time.perf_counter()
    function()
    times: list[float] = []
    while not times or (len(times) < repeats and time.perf_counter() - began < ENOUGH_S):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return times


def layer_seconds(pack: Packed, config: Any, settings: TrainSettings, variant: Variant) -> float:
    """Seconds of one decoder layer for one pack, forward and backward, averaged over a small stack of them."""
    storage, checkpointing, tight = variant.storage, variant.checkpointing, variant.tight
    kinds = getattr(config, "layer_types", None)
    wanted = 2 if kinds is None or len(set(kinds)) == 1 else 6
    base = probe(config, storage, layers=min(PROBE_LAYERS if tight else wanted, config.num_hidden_layers))
    if settings.training.compute == "bfloat16":
        round_products(base.get_decoder())
    model = add_adapter(base, settings.lora, base=str(base.name_or_path)).train()
    if checkpointing:
        base.activation_checkpointing_enable({"use_reentrant": False})
    if tight:
        return_freed_memory()
    else:
        keep_freed_memory()  # as the training will: without it a layer takes twice as long
    engine = Engine(model)
    small = replace(pack, ids=pack.ids % PROBE_VOCABULARY, targets=pack.targets % PROBE_VOCABULARY)

    def step() -> None:
        hidden = engine.states(small, engine.layout(small))
        hidden.sum().backward()

    return fmean(timed(step)) / len(
        base.get_decoder().layers
    )  # the mean: a run's steps are not its fastest ones either


def probe(config: Any, storage: str, *, layers: int) -> Any:
    """The first layers of the model, frozen: of a GGUF its own, else of its shape with random weights."""
    if storage == GGUF:
        model = load_gguf(Path(config.name_or_path))
        model.get_decoder().layers = model.get_decoder().layers[:layers]
        model.config.num_hidden_layers = layers
        return model
    some = copy.deepcopy(config)
    some.num_hidden_layers = layers
    if getattr(config, "layer_types", None) is not None:
        some.layer_types = list(config.layer_types)[:layers]
    some.vocab_size, some.use_cache, some.pad_token_id = PROBE_VOCABULARY, False, 0
    model = AutoModelForCausalLM.from_config(some, dtype=torch.float32).requires_grad_(requires_grad=False)
    if storage != "float32":
        for module in model.get_decoder().modules():
            if isinstance(module, torch.nn.Linear):
                attach(module, store(module.weight, storage))
    return model


def head_seconds(shape: Shape, storage: str) -> float:
    """Seconds of the head for one supervised row: forward and gradient."""
    # small numbers: of large ones softmax makes denormals, with which the processor is 17 times slower
    # a GGUF's types decode about as fast as bfloat16
    head = store(0.02 * torch.randn(PROBE_VOCABULARY, shape.hidden), "bfloat16" if storage == GGUF else storage)
    rows = 256
    hidden = torch.randn(rows, shape.hidden, requires_grad=True)
    targets, ones = torch.zeros(rows, dtype=torch.int64), torch.ones(rows)
    seconds = fmean(timed(lambda: apply(SupervisedLoss, hidden, head, None, targets, ones, None)))
    return seconds / rows * shape.vocabulary / PROBE_VOCABULARY


def gemm_rate(shape: Shape) -> float:
    """GFLOP/s of this machine on the shape's largest product."""
    x, w = torch.randn(1024, shape.hidden), torch.randn(shape.inner, shape.hidden)
    out = torch.empty(1024, shape.inner)
    seconds = min(timed(lambda: torch.mm(x, w.t(), out=out), repeats=3))
    return 2 * 1024 * shape.hidden * shape.inner / seconds / 1e9
