"""What does the gateway add to an answer, and how much can it take? Beside LiteLLM's proxy.

    python -m bench.gateway [--rate 300] [--seconds 20] [--without-peer]

A server that answers after 20 ms (`bench/load.py`); in front of it in turn nothing, `afina serve --upstream` with its PostgreSQL (every answer in
the spool before it ends), and LiteLLM's proxy, one worker, with a callback that appends each answer to a JSONL file. LiteLLM lives in an
environment of its own (`.bench/litellm`, made on first use). The same open-loop load for all, on the same cores. Prints one JSON line: `p50_ms`,
`p99_ms` (of the gateway minus those of the server alone, at `--rate`), `recorded` (rows of all answers), `rate` and `rate_litellm` (most requests a
second of which 99 % are answered within `--bound` ms and none fails), `ratio_litellm`, and LiteLLM's own `litellm_p50_ms`, `litellm_p99_ms`.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import textwrap
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from bench.load import KEY

ROOT = Path(__file__).parents[1]
PEER = ROOT / ".bench" / "litellm"
PINNED = "litellm[proxy]==1.104.0"
BODY = json.dumps(
    {
        "model": "stand-in",
        "user": "u1",
        "messages": [
            {"role": "system", "content": "Eres el asistente de una tienda."},
            {"role": "user", "content": "¿Cuándo sale mi pedido?"},
        ],
        "max_tokens": 64,
    },
    ensure_ascii=False,
)
CALLBACK = """
import json
from litellm.integrations.custom_logger import CustomLogger

class Lines(CustomLogger):
    def __init__(self):
        super().__init__()
        self.file = open({path!r}, "a", buffering=1)

    async def async_log_success_event(self, kwargs, response_obj, start_time, end_time):
        self.file.write(json.dumps({{"messages": kwargs.get("messages"), "response": response_obj.model_dump()}}) + "\\n")

lines = Lines()
"""
LADDER = 1.25
"""Each step of the search sends so many times as much."""


def load(url: str, *, rate: float, seconds: float) -> dict[str, Any]:
    """One run of the generator, in a process of its own."""
    command = [sys.executable, "-m", "bench.load", "load", f"{url}/v1/chat/completions", str(rate), str(seconds), BODY]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@contextmanager
def process(
    command: list[str], *, cwd: Path = ROOT, env: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """A process that is ended with the block."""
    running = subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, text=True, env=env)
    try:
        yield running
    finally:
        running.terminate()
        try:
            running.wait(30)
        except subprocess.TimeoutExpired:
            running.kill()


@contextmanager
def stand_in(seconds: float) -> Iterator[str]:
    """The server of fixed latency."""
    with process([sys.executable, "-m", "bench.load", "serve", "0", str(seconds)]) as running:
        assert running.stdout is not None
        yield f"http://127.0.0.1:{int(running.stdout.readline())}"


@contextmanager
def ours(upstream: str, folder: Path) -> Iterator[str]:
    """`afina serve` in front of it, in a fresh project."""
    afina = str(Path(sys.executable).with_name("afina"))
    (folder / "afina.toml").write_text('[task]\nkind = "chat"\n')
    with process([afina, "serve", "--port", "0", "--upstream", f"{upstream}/v1"], cwd=folder) as running:
        assert running.stdout is not None
        url = next(match[0] for line in running.stdout if (match := re.search(r"http://[\d.:]+", line)))
        wait(url, "/healthz")
        yield url


@contextmanager
def litellm(upstream: str, folder: Path) -> Iterator[str]:
    """LiteLLM's proxy as its documentation starts it, with a callback that keeps every answer."""
    port = 4517
    config = f"""
        model_list:
          - model_name: stand-in
            litellm_params: {{model: openai/stand-in, api_base: {upstream}/v1, api_key: none}}
        litellm_settings:
          callbacks: [lines.lines]
          telemetry: false
          num_retries: 0
        """
    (folder / "config.yaml").write_text(textwrap.dedent(config))
    (folder / "lines.py").write_text(CALLBACK.format(path=str(folder / "lines.jsonl")))
    env = {
        **os.environ,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_LOG": "ERROR",
        "LITELLM_MODE": "PRODUCTION",
        "LITELLM_MASTER_KEY": KEY,
    }
    command = [
        str(PEER / "bin" / "litellm"),
        "--config",
        "config.yaml",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--num_workers",
        "1",
    ]
    with (folder / "log").open("w") as log:
        running = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env=env)
        try:
            wait(f"http://127.0.0.1:{port}", "/health/liveliness")
            yield f"http://127.0.0.1:{port}"
        finally:
            running.terminate()
            running.wait(30)


def wait(url: str, path: str) -> None:
    """Until it answers."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            if httpx.get(url + path, timeout=2).status_code == httpx.codes.OK:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise TimeoutError(url)


def most(url: str, *, first: float, bound_ms: float) -> float:
    """Most requests a second that are answered in time: the rate is raised until they are not."""
    best, rate = 0.0, first
    while True:
        found = load(url, rate=rate, seconds=6)
        answered = found["statuses"].get("200", 0)
        good = (
            found["p99_ms"] is not None
            and found["p99_ms"] <= bound_ms
            and answered >= 0.99 * found["sent"]
            and not found["broken"]
        )
        print(
            f"{rate:.0f}/s: p99 {found['p99_ms'] or 0:.1f} ms, {answered} of {found['sent']} answered", file=sys.stderr
        )
        if not good:
            return best
        best, rate = rate, rate * LADDER


def rows_of(folder: Path) -> int:
    """Rows that the project's database has."""
    afina = str(Path(sys.executable).with_name("afina"))
    query = "SELECT count(*) FROM app.interactions"
    done = subprocess.run([afina, "psql", "-tAc", query], cwd=folder, capture_output=True, text=True, check=False)
    return int(done.stdout.strip() or -1)


def install() -> None:
    """LiteLLM, on first use."""
    if (PEER / "bin" / "litellm").is_file():
        return
    venv.create(PEER, with_pip=True)
    subprocess.run([str(PEER / "bin" / "pip"), "install", "--quiet", PINNED], check=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=float, default=300)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--bound", type=float, default=100)
    parser.add_argument("--without-peer", action="store_true")
    args = parser.parse_args()
    found: dict[str, Any] = {"rate_asked": args.rate, "bound_ms": args.bound}
    with stand_in(0.02) as upstream, tempfile.TemporaryDirectory() as temporary:
        alone = load(upstream, rate=args.rate, seconds=args.seconds)
        with ours(upstream, Path(temporary)) as url:
            through = load(url, rate=args.rate, seconds=args.seconds)
            for name in ("p50_ms", "p99_ms"):
                found[name] = through[name] - alone[name]
                found[f"alone_{name}"] = alone[name]
            found["statuses"] = through["statuses"]
            time.sleep(2)
            found["recorded"] = rows_of(Path(temporary)) / (args.rate * (args.seconds + 2))
            found["rate"] = most(url, first=args.rate, bound_ms=args.bound)
        if not args.without_peer:
            install()
            with tempfile.TemporaryDirectory() as other, litellm(upstream, Path(other)) as url:
                load(url, rate=10, seconds=3)
                found["rate_litellm"] = most(url, first=10, bound_ms=args.bound)
                theirs = load(url, rate=max(10.0, found["rate_litellm"]), seconds=10)
                found |= {f"litellm_{name}": theirs[name] - alone[name] for name in ("p50_ms", "p99_ms")}
                found["ratio_litellm"] = found["rate"] / found["rate_litellm"] if found["rate_litellm"] else None
    print(json.dumps({name: round(value, 3) if isinstance(value, float) else value for name, value in found.items()}))


if __name__ == "__main__":
    main()
