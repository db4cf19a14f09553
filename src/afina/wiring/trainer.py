"""The trainer API's desk: what it does for a client, on the project that the gateway serves."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from afina.errors import InputError, JobError
from afina.flows.finetune import local_standing, told
from afina.flows.project import Project
from afina.flows.rollouts import set_traffic
from afina.ids import ClientId
from afina.jobs import defer_evaluation
from afina.serve.trainer import EvalWish, FinetuneWish, RolloutWish, TrainerDesk

CHILD_S = 300.0
"""Longest wait for planning: a file of a million rows is frozen meanwhile."""


def trainer_desk(project_of: Callable[[ClientId], Project]) -> TrainerDesk:
    """`project_of`: the project as it is now, of a client."""

    def start(client: ClientId, wish: FinetuneWish) -> dict[str, Any]:
        flags = {"--base": wish.base_model, "--dataset": wish.dataset_uri, "--notes": wish.notes}
        return child(project_of(client), ["start", *(f"{name}={value}" for name, value in flags.items() if value)])

    def status(client: ClientId, identity: str) -> dict[str, Any]:
        project = project_of(client)
        if project.settings.provider.kind == "local":
            return told(local_standing(project, identity))
        return child(project, ["status", "--", identity])

    def evaluate(client: ClientId, wish: EvalWish) -> dict[str, Any]:
        project = project_of(client)
        version = project.ledger.version(wish.model_version)
        dataset = version.card.get("dataset", "")
        if wish.eval_set not in {"", dataset}:
            raise InputError(
                f"{version.name} is judged on the held-out part of its own dataset {dataset}",
                remedy="`afina evaluate --set FILE --arm …` compares anything on any set",
            )
        defer_evaluation(project.dsn, client=client, version=version.id)
        return {"model_version": version.name, "eval_set": dataset, "status": "queued"}

    def verdict(client: ClientId, name: str) -> dict[str, Any]:
        project = project_of(client)
        version = project.ledger.version(name)
        found = project.ledger.verdict(version.id)
        if found is None:
            return {"model_version": version.name, "status": "not judged yet"}
        own = {one.name: {metric: asdict(score) for metric, score in one.scores.items()} for one in found.arms}
        return {
            "model_version": version.name,
            "status": "judged",
            "outcome": found.outcome.value,
            "because": found.because,
            "p_value": found.p_value,
            "reasons": list(found.reasons),
            "arms": own,
        }

    def rollout(client: ClientId, wish: RolloutWish, actor: str) -> dict[str, Any]:
        project = project_of(client)
        version = project.ledger.version(wish.model_version)
        moved = set_traffic(project, version, wish.traffic_pct / 100, actor=actor, reason=wish.notes or "asked for")
        return {"model_version": version.name, "state": moved.state.value, "traffic_pct": round(100 * moved.share, 4)}

    return TrainerDesk(
        start=start,
        status=status,
        evaluate=evaluate,
        verdict=verdict,
        rollout=rollout,
    )


def child(project: Project, arguments: Sequence[str]) -> dict[str, Any]:
    """`afina finetune` in a process of its own: planning loads torch, which a gateway has no memory for.

    Raises:
        JobError: what it said.
    """
    clean = [one.replace("\0", "") for one in arguments]
    command = [sys.executable, "-m", "afina", "--lang", "en", "finetune", clean[0], "--json", *clean[1:]]
    own = {**os.environ, "AFINA_PROJECT__CLIENT": project.client}
    try:
        done = subprocess.run(
            command,
            cwd=project.paths.project,
            env=own,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=CHILD_S,
        )
    except subprocess.TimeoutExpired as exc:
        raise JobError(f"it was not done within {CHILD_S:.0f} s") from exc
    if done.returncode != 0:
        said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        raise JobError(" ".join(said[-2:])[:1000].removeprefix("error: ") or "the fine-tuning was not started")
    found: dict[str, Any] = json.loads(done.stdout)
    return found
