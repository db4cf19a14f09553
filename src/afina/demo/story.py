"""The wheel, turned once on the project's own sample, with simulated users in front of the canary."""

import contextlib
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import httpx

from afina.errors import RuntimeFailedError
from afina.flows.collect import import_file
from afina.flows.curate import curate_project
from afina.flows.evaluate import evaluate_version
from afina.flows.export import base_version, export_run
from afina.flows.freeze import freeze_project
from afina.flows.learn import Lesson, learn
from afina.flows.project import Project
from afina.flows.rollouts import look_at_canary, release_direct, settle_canary, start_canary
from afina.flows.train import plan_training, train_run
from afina.progress import Narrator, Stages, Tell
from afina.records import Dataset, Example
from afina.settings import Settings

ACTOR = "demo"
CHAT: dict[str, Any] = {
    "recipe": "chat",
    "task": {
        "name": "chat",
        "kind": "chat",
        "prompt": "Atiendes el chat de Taller Nube. Responde breve, con el dato concreto.",
    },
    "train": {"training": {"num_epochs": 30, "minutes": 1.25}},
    "evaluate": {"must_beat_baselines": False, "margin_nats": 2.0},
}
"""Settings of the chat task, beside what the built-in base brings; for the margins see below."""
SETTINGS = """\
# The demo's project. The built-in base is tiny: simple classifiers beat it, and the report says so; and it finds the right general
# answers hardly likelier (-8.2 nats per token) than any token at all (-9.0), so there is next to nothing that it could forget.
recipe = "corrections"

[evaluate]
must_beat_baselines = false
margin_nats = 2.0

# A few hundred simulated users in a minute: half of them meet the canary at once, and margins are as wide as so few can show.
# The gateway would settle the canary by itself within a minute; here the demo does.
[release]
ramp = [0.5]
settle_seconds = 0

[release.guardrails]
errors = 0.05
latency = 4.0
feedback = 0.05
"""
REAL_BASE = """
# A real base learns and answers some ten times slower than the built-in one: fewer minutes, fewer held-out messages.
[train.training]
minutes = 4

[freeze]
test_share = 0.13
"""
"""Added for any other base than the built-in one."""


MOST_TURNS = 8
"""How often every message is sent at most: how many users a proof takes hangs on how evenly this machine answers."""
RECORDED_S = 1.0
"""Until what was said is in the database."""


def sample(name: str) -> Path:
    """An authored sample: `corrections.csv` (customer messages of a shop with predictions and a reviewer's corrections) or
    `conversations.jsonl` (a small workshop with its customers, each with the customer's reaction).
    """
    return Path(str(resources.files("afina.demo").joinpath("sample", name)))


@contextlib.contextmanager
def gateway(project: Project) -> Iterator[str]:
    """A real `afina serve` in a process of its own, as long as the block runs. Yields its address.

    Raises:
        RuntimeFailedError: it did not come up.
    """
    log = project.paths.logs / "serve.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "afina", "serve", "--port", "0"]
    with (
        log.open("wb") as sink,
        subprocess.Popen(command, cwd=project.paths.project, stdout=subprocess.PIPE, stderr=sink) as server,
    ):
        try:
            assert server.stdout is not None
            url = server.stdout.readline().decode().strip()
            if not url.startswith("http"):
                raise RuntimeFailedError(f"the gateway did not start: see {log}")
            yield url
        finally:
            server.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(20)
            server.kill()


def wait_live(http: httpx.Client, *, versions: int, timeout_s: float = 60) -> None:
    """Wait until that many versions answer.

    Raises:
        RuntimeFailedError: they do not.
    """
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError):
            if len(http.get("/v1/models").json()["data"]) >= versions:
                return
        time.sleep(0.1)
    raise RuntimeFailedError(f"the gateway did not bring {versions} versions up within {timeout_s:.0f} s")


def simulate(
    http: httpx.Client, project: Project, messages: Sequence[Example], tell: Tell, *, turn: int
) -> Counter[str]:
    """Send every message, in each turn as somebody else; say of every answer what the reviewer said. Returns requests by version."""
    kind, served = project.task.kind, Counter[str]()
    for done, example in enumerate(messages, start=1):
        reply = http.post("/v1/answer", json={"text": example.message, "user": f"{turn}/{example.id}"})
        reply.raise_for_status()
        answer = reply.json()
        served[answer["model"]] += 1
        right = kind.predicted(project.task, example.answer)
        same = kind.predicted(project.task, answer["answer"]) == right
        opinion = {"interaction": answer["interaction"], "kind": "accepted" if same else "corrected", "value": right}
        http.post("/v1/feedback", json={**opinion, "reviewer": "simulated"}).raise_for_status()
        tell(done, len(messages), f"simulated traffic, turn {turn}")
    return served


def canary_stage(project: Project, dataset: Dataset, stages: Stages, *, versions: int) -> dict[str, Any]:
    """Simulated users meet production and canary through the real gateway, until it is decided; then the canary is settled."""
    with stages.stage("canary") as stage:
        messages = [*dataset.test, *dataset.validation]
        served = Counter[str]()
        with gateway(project) as url, httpx.Client(base_url=url, timeout=60) as http:
            wait_live(http, versions=versions)
            for turn in range(1, MOST_TURNS + 1):
                served += simulate(http, project, messages, stage.tell, turn=turn)
                time.sleep(RECORDED_S)
                if look_at_canary(project).decision.action in {"promote", "roll_back"}:
                    break
        stage.note = "simulated traffic: " + ", ".join(f"{n} → {name}" for name, n in sorted(served.items()))
    with stages.stage("promote") as stage:
        view = settle_canary(project, actor=ACTOR)
        decision = view.decision
        stage.note = f"{decision.status.value}: {decision.because}"
    return {
        "action": decision.action,
        "reason": decision.because,
        "simulated": True,
        "served": dict(served),
        **view.evidence(),
    }


def turn_the_wheel(project: Project, stages: Stages) -> dict[str, Any]:
    """Import → curate → freeze → train → export → evaluate → verdict → canary → promote. Returns the report."""
    import_file(project, sample("corrections.csv"), stages)
    curate_project(project, stages)
    dataset = freeze_project(project, stages)
    run = plan_training(project, dataset)
    train_run(project, run, stages, resume=False)
    version = export_run(project, stages, run=run)
    entry, verdict = evaluate_version(project, version, stages)
    report: dict[str, Any] = {"tasks": [entry], "run": run, "version": version.name}
    if not verdict.go:
        return report
    if project.ledger.in_production() is None:
        release_direct(project, base_version(project, dataset), actor=ACTOR, reason="the untuned base starts the demo")
    start_canary(project, version, actor=ACTOR)
    report["canary"] = canary_stage(project, dataset, stages, versions=2)
    return report


def turn_the_chat(folder: Path, settings: Settings, narrator: Narrator) -> dict[str, Any]:
    """The chat task on the project's own sales conversations: the same stages over a folder. Returns a report's entry."""
    report = learn(Lesson(data=sample("conversations.jsonl"), folder=folder), settings, narrator)
    entry: dict[str, Any] = report["tasks"][0]
    return entry


def honest_failure(report: dict[str, Any]) -> str:
    """Why the demo must not call itself a success; empty when it may."""
    for entry in report["tasks"]:
        if entry["p_value"] >= 0.05 or entry["tuned"]["score"] <= entry["base"]["score"]:
            return f"{entry['task']}: the tuned model is not better than the base (p = {entry['p_value']:.2g})"
    labels = report["tasks"][0]
    if labels["tuned"]["score"] <= labels["baselines"]["majority"]["score"]:
        return "the tuned model does not beat the majority class"
    if report.get("canary", {}).get("action") != "promote":
        return f"the canary was not promoted: {report.get('canary', {}).get('reason', 'there was none')}"
    return ""
