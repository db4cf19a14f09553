"""kill -9 at any moment of a training; --resume ends with the weights of an undisturbed run."""

import json
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import pytest
from safetensors import safe_open

from tests.e2e.conftest import environment, run_afina

pytestmark = pytest.mark.e2e
CONFIG = """
[lora]
r = 8
lora_dropout = 0.1
[training]
num_epochs = 2
batch_size = 4
gradient_accumulation_steps = 2
learning_rate = 2e-3
warmup_steps = 2
save_steps = 3
eval_steps = 4
max_seq_length = 128
threads = 2
"""


def arguments(out: str) -> list[str]:
    """A training of 12 steps on the built-in base."""
    return [
        "train",
        "--model",
        "semilla",
        "--data",
        "d.jsonl",
        "--validation",
        "v.jsonl",
        "--config",
        "c.toml",
        "--output",
        out,
    ]


def tensors(folder: Path) -> dict[str, str]:
    """A digest of each of the adapter's weights: where CI is set, pytest compares what differs in full, and of bytes that does not end."""
    with safe_open(folder / "adapter" / "adapter_model.safetensors", framework="pt") as file:
        return {key: sha256(file.get_tensor(key).numpy().tobytes()).hexdigest() for key in file.keys()}  # noqa: SIM118


def test_killed_again_and_again(folder: Path) -> None:
    """Six kills at growing delays, a resume after each, the last one undisturbed."""
    chats = [
        {
            "messages": [
                {"role": "user", "content": f"mensaje {i}"},
                {"role": "assistant", "content": f"respuesta {i % 5}"},
            ]
        }
        for i in range(56)
    ]
    (folder / "d.jsonl").write_text("\n".join(map(json.dumps, chats[:48])), "utf-8")
    (folder / "v.jsonl").write_text("\n".join(map(json.dumps, chats[48:])), "utf-8")
    (folder / "c.toml").write_text(CONFIG, "utf-8")
    whole = run_afina(*arguments("whole"), cwd=folder)
    assert whole.returncode == 0, whole.stderr

    for number in range(6):
        command = [sys.executable, "-m", "afina", *arguments("cut"), "--resume"]
        process = subprocess.Popen(
            command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment()
        )
        log, before = folder / "cut" / "training.log", time.monotonic()
        lines = len(log.read_text("utf-8").splitlines()) if log.exists() else 0
        while time.monotonic() - before < 60 and not (
            log.exists() and len(log.read_text("utf-8").splitlines()) > lines
        ):
            time.sleep(0.02)
        time.sleep(0.15 * number)
        process.send_signal(signal.SIGKILL)
        process.wait()
    last = run_afina(*arguments("cut"), "--resume", cwd=folder)

    assert last.returncode == 0, last.stderr
    assert tensors(folder / "cut") == tensors(folder / "whole")


def test_ctrl_c_ends_with_words_and_the_next_command_works(folder: Path) -> None:
    """130, no traceback, nothing taken for whole."""
    # A shell starts background jobs with SIGINT ignored, and an ignored signal stays so in child processes.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(
        [sys.executable, "-m", "afina", *arguments("stopped")],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    deadline = time.monotonic() + 60
    while not (folder / "stopped" / "training.log").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "--resume" in said
    assert "Traceback" not in said
    assert not (folder / "stopped" / "adapter").exists()
    assert run_afina(*arguments("stopped"), "--resume", cwd=folder).returncode == 0


def test_a_paused_run_stands_still_and_goes_on(folder: Path) -> None:
    """What Ctrl-Z and `fg` send: no step while it is paused, the same weights as a run without a pause in the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "afina", *arguments("paused")],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(),
    )
    curve, deadline = folder / "paused" / "curve.jsonl", time.monotonic() + 60
    while not (curve.exists() and curve.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGSTOP)  # SIGTSTP is ignored where no terminal is, as in CI
    time.sleep(0.3)
    at = curve.stat().st_size
    time.sleep(1.5)
    stood = curve.stat().st_size == at
    process.send_signal(signal.SIGCONT)

    assert process.wait(timeout=120) == 0
    assert stood
    assert curve.stat().st_size > at  # it had not ended before it was paused
    assert tensors(folder / "paused") == tensors(folder / "whole")
