"""Asks an arm every question of a set. What fails is written down as such; what was answered before an interruption is not asked again."""

import json
import os
import platform
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from afina.errors import RuntimeFailedError
from afina.evaluate.arms import Arm, OpenedArm, Weight
from afina.evaluate.record import head_of, read_partial
from afina.progress import Tell, unheard
from afina.records import EvalItem, EvalRecord, EvalSet, Output
from afina.store.paths import disk_errors, write_whole


def run_arm(arm: Arm, eval_set: EvalSet, *, partial: Path, tell: Tell = unheard) -> EvalRecord:
    """Every item's output, in the set's order. `partial` is where they are kept on the way; it is removed by the caller when the
    record is written.

    Raises:
        ModelError, RuntimeFailedError: the model does not load or its worker died. InputError: imported answers are missing.
    """
    head = head_of(eval_set, arm.name, arm.source)
    known = read_partial(partial, head)
    if len(known) == len(eval_set.items):
        known.popitem()  # the model is started in any case, to see how much memory it takes
    began = time.monotonic()
    items = [item for item in eval_set.items if item.id not in known]
    write_whole(partial, as_lines(head, *map(as_line, known.values())))  # anew: the old end may be torn
    weights = arm.weigh(items, tell)
    with arm.open(eval_set) as asked, disk_errors(partial), partial.open("a", encoding="utf-8") as file:
        with ThreadPoolExecutor(asked.connections) as pool:
            waiting = [pool.submit(answer, asked, item, weights.get(item.id)) for item in items]
            try:
                for done, future in enumerate(as_completed(waiting), start=len(known) + 1):
                    output = future.result()
                    known[output.item] = output
                    file.write(as_lines(as_line(output)))
                    file.flush()  # the system has it, should this process be killed
                    tell(done, len(eval_set.items), arm.name)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        peak = asked.peak_rss_mb()
    return EvalRecord(
        eval_set=eval_set,
        arm=arm.name,
        source=arm.source,
        outputs=tuple(known[item.id] for item in eval_set.items),
        environment=environment(),
        peak_rss_mb=peak,
        seconds=time.monotonic() - began,
    )


def answer(asked: OpenedArm, item: EvalItem, weight: Weight | None = None) -> Output:
    """One item. A refused or timed-out question is an output with its reason; a dead worker is not."""
    if isinstance(weight, str):
        return Output(item=item.id, error=weight)
    began = time.perf_counter()
    try:
        return replace(asked.ask(item), log_likelihood=weight)
    except RuntimeFailedError as exc:
        if not asked.alive():
            raise
        return Output(item=item.id, error=str(exc), milliseconds=1000 * (time.perf_counter() - began))


def as_line(output: Output) -> dict[str, Any]:
    """An output as JSON."""
    return {name: getattr(output, name) for name in output.__slots__}


def as_lines(*rows: dict[str, Any]) -> str:
    """JSON Lines."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def environment() -> dict[str, Any]:
    """Where the answers came about."""
    return {
        "afina": version("afina"),
        "runtime": f"xllamacpp {version('xllamacpp')}",
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
    }
