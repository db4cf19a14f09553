"""`afina loop --once`, killed in the middle of its training and called again."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import environment, run_afina

pytestmark = pytest.mark.e2e
SETTINGS = """\
recipe = "corrections"

[task]
fields = ["topic"]

[train.training]
minutes = 0.4
num_epochs = 30
save_steps = 2

[evaluate]
must_beat_baselines = false
guards = []
nearest = 0
"""
WORDS = {
    "envio": ("cuándo llega", "dónde está", "cuánto demora", "quién trae"), "pago": ("me cobraron", "quiero pagar", "no pasa", "devuelvan"),
    "cambio": ("quiero cambiar", "me queda chico", "vino otro", "no es el mío"),
}  # fmt: skip
THINGS = (
    "el pedido",
    "la polera",
    "un pantalón",
    "las zapatillas",
    "mi chaqueta",
    "la mochila",
    "el gorro",
    "unos calcetines",
)


def messages(path: Path) -> Path:
    """Three hundred reviewed messages that are easily told apart."""
    draws = random.Random(0)
    rows = ["text,user,topic"]
    for number in range(300):
        topic = draws.choice(list(WORDS))
        text = f"{draws.choice(WORDS[topic])} {draws.choice(THINGS)} de {draws.choice(THINGS)} del {draws.randrange(1, 29)} {draws.randrange(10**6)}"
        rows.append(f"{text},u{number % 90},{topic}")
    path.write_text("\n".join(rows) + "\n", "utf-8")
    return path


def test_killed_in_the_middle_it_goes_on_and_ends_in_production(folder: Path) -> None:
    """One dataset, one run, one version, in production; the second call finds nothing to do and says why."""
    place = folder / "loop"
    place.mkdir()
    (place / "afina.toml").write_text(SETTINGS, "utf-8")
    assert run_afina("import", str(messages(place / "m.csv")), cwd=place).returncode == 0
    command = [sys.executable, "-m", "afina", "loop", "--once"]
    first = subprocess.Popen(
        command,
        cwd=place,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while not list(place.glob(".afina/runs/*/checkpoints/*")) and not list(place.glob(".afina/runs/*/checkpoint*")):
        assert time.monotonic() < deadline, list(place.rglob(".afina/runs/**"))
        assert first.poll() is None
        time.sleep(0.1)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(first.pid, signal.SIGKILL)
    first.wait()

    second = run_afina("loop", "--once", "--json", cwd=place)
    third = run_afina("loop", "--once", "--json", cwd=place)
    models = json.loads(run_afina("models", "--json", cwd=place).stdout)
    log = json.loads(run_afina("loop", "log", "--json", cwd=place).stdout)

    assert second.returncode == 0, second.stderr
    done = [(one["step"], one["outcome"]) for one in json.loads(second.stdout)]
    assert done[:4] == [("resume", "done"), ("export", "done"), ("evaluate", "done"), ("release", "done")], (
        second.stdout
    )
    assert [(one["state"], one["name"]) for one in models] == [("production", "semilla-classify:v1")]
    assert [one["step"] for one in json.loads(third.stdout)] == ["skip"]
    assert "not enough new evidence" in third.stdout
    assert [one["step"] for one in log[:3]] == ["watch", "curate", "freeze"]
