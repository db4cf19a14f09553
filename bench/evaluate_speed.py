"""Does an evaluation keep the model busy? 500 items through the product's evaluation beside the same requests sent by a bare client.

    python -m bench.evaluate_speed [--items 500] [--gguf F.gguf]

Both sides talk to the same kind of worker (llama.cpp, `slots` requests at once), with the same prompts, answer schema and limits. The
bare side is a thread pool over httpx that posts bodies made beforehand and reads nothing but the text. Items share a system prompt,
as a set does, and the workers' prompt cache is on; `cached_share` is the part of the prompt tokens that it spared. A/B/A: the bare
client runs before and after. Prints one JSON line: `share` is the product's items a second over the bare client's; the aim is 0.9.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

from afina.bases import semilla
from afina.evaluate.arms import Asking, gguf_arm
from afina.evaluate.run import run_arm
from afina.evaluate.sets import make_set
from afina.export.export import Target, export_model
from afina.export.merge import Trained
from afina.ids import ExampleId
from afina.records import EvalItem, EvalSet, Example, Turn
from afina.runtime import start_worker
from afina.settings import RuntimeSettings, make_settings
from afina.tasks import make_task

MAX_TOKENS = 48
LABELS = {"topic": ("envio", "pago", "producto", "cuenta"), "sentiment": ("positivo", "negativo", "neutro")}
TASK = make_task(make_settings({"task": {"fields": list(LABELS), "language": "es"}}), folder=Path())


def make_items(count: int) -> EvalSet:
    """Distinct messages, to be asked under one system prompt."""
    places = ("Santiago", "Valparaíso", "Concepción", "Temuco", "Arica")
    things = ("el pedido", "la boleta", "mi cuenta", "el despacho", "la clave", "el producto", "la tarjeta")
    items = [
        EvalItem(
            id=str(n),
            turns=(
                Turn(
                    "user",
                    f"Hola, escribo desde {places[n % 5]} porque {things[n % 7]} número {1000 + 7 * n} no funciona desde ayer.",
                ),
            ),
        )
        for n in range(count)
    ]
    rows = [
        Example(id=ExampleId(f"{topic}-{mood}"), turns=(), answer=json.dumps({"topic": topic, "sentiment": mood}))
        for topic in LABELS["topic"]
        for mood in LABELS["sentiment"]
    ]
    return make_set("speed", items, answer_schema=TASK.kind.answer_schema(TASK, rows))


def bare(gguf: Path, eval_set: EvalSet, settings: RuntimeSettings, *, log: Path) -> dict[str, float]:
    """Items a second of a client that does nothing else; share of prompt tokens that came from the cache."""
    bodies: list[dict[str, Any]] = [
        {
            "messages": [
                {"role": "system", "content": TASK.kind.prompt(TASK)},
                *({"role": turn.role, "content": turn.content} for turn in item.turns),
            ],
            "temperature": 0,
            "max_tokens": MAX_TOKENS,
            "cache_prompt": True,
            "logprobs": True,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": eval_set.answer_schema},
            },
        }
        for item in eval_set.items
    ]
    with start_worker(gguf, settings, log=log) as worker, httpx.Client(base_url=worker.url, timeout=120) as http:

        def post(body: dict[str, Any]) -> tuple[int, int]:
            reply = http.post("/v1/chat/completions", json=body).raise_for_status().json()
            return reply["usage"]["prompt_tokens"], reply["timings"]["prompt_n"]

        began = time.perf_counter()
        with ThreadPoolExecutor(settings.slots) as pool:
            counts = list(pool.map(post, bodies))
        seconds = time.perf_counter() - began
    prompts, read = (sum(column) for column in zip(*counts, strict=True))
    return {"rate": len(bodies) / seconds, "cached_share": 1 - read / prompts}


def ours(gguf: Path, eval_set: EvalSet, settings: RuntimeSettings, *, folder: Path) -> float:
    """Items a second of the product's evaluation, without the start of the worker, which the bare side leaves out too."""
    arm = gguf_arm(
        "speed", gguf, settings, Asking(max_tokens=MAX_TOKENS, system=TASK.kind.prompt(TASK)), log=folder / "worker.log"
    )
    marks: list[float] = []
    partial = folder / f"{time.perf_counter_ns()}.jsonl"
    run_arm(arm, eval_set, partial=partial, tell=lambda *_: marks.append(time.perf_counter()))
    # the first mark is the end of the first answer: the items behind it are counted
    return (len(marks) - 1) / (marks[-1] - marks[0])


def main() -> None:
    """Run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=500)
    parser.add_argument("--gguf", type=Path, help="default: the built-in base")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    eval_set, settings = make_items(options.items), RuntimeSettings()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        gguf = (
            options.gguf
            or export_model(
                Trained(semilla.FOLDER), folder / "base.gguf", settings, Target(quantisation="q8_0", name="speed")
            ).gguf
        )
        theirs, own = [bare(gguf, eval_set, settings, log=folder / "bare.log")], []
        for _ in range(options.rounds):
            own.append(ours(gguf, eval_set, settings, folder=folder))
            theirs.append(bare(gguf, eval_set, settings, log=folder / "bare.log"))
            sys.stderr.write(f"ours {own[-1]:.1f}, bare {theirs[-1]['rate']:.1f} items/s\n")
    rates = [one["rate"] for one in theirs[1:]]
    found = {
        "share": round(statistics.median(own) / statistics.median(rates), 3),
        "items": options.items,
        "ours_per_s": [round(rate, 1) for rate in own],
        "bare_per_s": [round(rate, 1) for rate in rates],
        "cached_share": round(theirs[-1]["cached_share"], 3),
    }
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
