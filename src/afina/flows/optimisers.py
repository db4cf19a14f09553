"""The prompt searches there are, by the name that a command takes."""

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from afina.bases.pull import home
from afina.chat.parse import read_json
from afina.errors import RoleError, in_short
from afina.flows.role_model import Ask, RoleModel
from afina.flows.tune_prompt import REFLECTION_TOKENS, Optimiser
from afina.progress import Tell
from afina.records import Turn
from afina.runtime import Drawn
from afina.store.paths import write_whole
from afina.synth.mipro import search_by_mipro
from afina.synth.search import Found, Search, search_by_reflection

DSPY = "dspy[optuna]==3.4.1"
"""DSPy pins gepa 0.1.4, as we do."""


def by_mipro(model: RoleModel) -> Optimiser:
    """MIPROv2, whose own questions the same model answers."""

    def fill(asked: str, schema: Mapping[str, Any], seed: int) -> dict[str, str]:
        ask = Ask(turns=(Turn("user", asked),), max_tokens=REFLECTION_TOKENS, schema=schema, drawn=Drawn(0.7, seed))
        found = read_json(model.ask(ask).text)
        return (
            {name: value for name, value in found.items() if isinstance(value, str)} if isinstance(found, dict) else {}
        )

    def optimise(search: Search, tell: Tell) -> Found:
        return search_by_mipro(search, dspy_python(), fill, tell)

    return optimise


OPTIMISERS: dict[str, Callable[[RoleModel], Optimiser]] = {
    "gepa": lambda _model: search_by_reflection,
    "mipro": by_mipro,
}


def dspy_python() -> Path:
    """The interpreter of an environment that has DSPy, made at the first call below the user's cache: some 300 MB from the package index.

    Raises:
        RoleError: it could not be made; says why.
    """
    folder = home().parent / "environments" / DSPY.replace("[optuna]==", "-")
    python, whole = folder / "bin" / "python", folder / "whole"
    if whole.is_file():
        return python
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", DSPY],
    ):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RoleError(
                f"an environment with {DSPY} could not be made: {in_short(Exception(done.stderr))}",
                remedy="run the same command where there is a network, or take --optimizer gepa, which needs none",
            )
    write_whole(whole, DSPY + "\n")
    return python
