"""Two prompt searches on the same small real base, the same metric, the same budget of answers.

    python -m bench.prompt_search [--base smollm2] [--calls 100] [--items 40] [--folder FOLDER]

The analyst's role: ten authored examples may be seen and shown, twelve concepts are searched with: six choose, six confirm. What was found,
confirmed or not, is asked on others: the 15 authored concepts that are held out and new ones from the role's words, an answer each as the
role draws it, bound by its schema, scored by `role_score`. gepa runs in this environment; DSPy's MIPROv2 (8 candidates, at most 10 trials, at
most 6 examples, seed 0) in one of its own.

Prints one JSON line: `crashes`, `calls_gepa`, `calls_mipro`, `malformed_gepa`, `malformed_mipro`, `p_value_gepa`, `p_value_mipro` (of the six
that confirm), `start`, `gain_gepa`, `gain_mipro` (of the others) with their 95 % intervals (paired bootstrap over items), `seconds_gepa`,
`seconds_mipro` (of this call: with FOLDER some answers are there already); the first search's line as soon as it is done, on standard error.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from afina.flows.concepts import new_concepts
from afina.flows.optimisers import OPTIMISERS, dspy_python
from afina.flows.role_model import RoleModel, open_model
from afina.flows.role_space import RoleSpace, open_space
from afina.flows.tune_prompt import SearchOptions, Trial, parted_seeds, tune_prompt
from afina.progress import unheard
from afina.synth.concepts import Wanted
from afina.synth.program import Program

SEARCHED_WITH, RESAMPLES = 12, 10_000


def scores(space: RoleSpace, model: RoleModel, program: Program, questions: Sequence[str]) -> list[float]:
    """A program's score on each question."""
    return [one.score for one in Trial(space, model, SearchOptions()).attempt(program, questions)]


def gain(before: Sequence[float], after: Sequence[float]) -> tuple[float, list[float]]:
    """The mean difference with its 95 % interval."""
    difference = np.subtract(after, before)
    rng = np.random.default_rng(0)
    means = difference[rng.integers(0, len(difference), (RESAMPLES, len(difference)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return round(float(difference.mean()), 4), [round(float(low), 4), round(float(high), 4)]


def main() -> None:
    """Search twice, compare, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", default="smollm2")
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--items", type=int, default=40)
    parser.add_argument("--folder", type=Path, help="where what was answered stays: the same command goes on behind it")
    options = parser.parse_args()
    if options.base != "semilla":
        subprocess.run([sys.executable, "-m", "afina", "base", "pull", options.base], check=True, stdout=sys.stderr)
    dspy_python()  # made before anything is timed: some 300 MB
    found: dict[str, Any] = {"bench": "prompt_search", "base": options.base, "calls": options.calls, "crashes": 0}
    with TemporaryDirectory() as passing:
        space = open_space("ba", options.folder or Path(passing), {"base": {"model": options.base}})
        concepts, _ = new_concepts(space, Wanted(count=SEARCHED_WITH, languages=("en", "es"), seed=1))
        questions = [one.question for one in concepts]
        _, held_out = parted_seeds(space.role.seeds())
        more, _ = new_concepts(space, Wanted(count=options.items, languages=("en", "es"), seed=2))
        others = [one.question for one in more if one.made_by == "grid" and one.question not in questions]
        items = [*(seed.question for seed in held_out), *others][: options.items]
        with open_model(options.base, space.settings, space.folder, kept="answers.jsonl") as model:
            start = scores(space, model, space.start_program(), items)
            found |= {"items": len(items), "start": round(float(np.mean(start)), 4)}
            for name, optimiser in OPTIMISERS.items():
                began = time.monotonic()
                asked = SearchOptions(calls=options.calls)
                try:
                    program = tune_prompt(Trial(space, model, asked), questions, optimiser(model), unheard)
                except Exception as exc:
                    found["crashes"] += 1
                    found[f"error_{name}"] = f"{type(exc).__name__}: {exc}"
                    continue
                seconds = time.monotonic() - began
                difference, interval = gain(start, scores(space, model, program, items))
                told = {key: program.found[key] for key in ("calls", "malformed", "skipped", "p_value")}
                found |= {f"{key}_{name}": value for key, value in told.items()}
                found |= {
                    f"searched_{name}": [round(program.found["start"], 4), round(program.found["score"], 4)],
                    f"examples_{name}": len(program.examples),
                    f"gain_{name}": difference,
                    f"gain_{name}_95": interval,
                    f"seconds_{name}": round(seconds),
                }
                print(json.dumps(found), file=sys.stderr)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
