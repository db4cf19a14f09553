"""The trainer API's desk: what it does for a client, on the project that the gateway serves."""

import os
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from afina.errors import InputError, SettingsError
from afina.export import name_of_run
from afina.flows.finetune import LocalProvider, Provider, Wish
from afina.flows.hosted_finetune import HostedProvider
from afina.flows.project import Project
from afina.flows.rollouts import set_traffic
from afina.ids import ClientId
from afina.jobs import defer_evaluation, defer_finetune
from afina.serve.trainer import EvalWish, FinetuneWish, RolloutWish, TrainerDesk


def provider_of(project: Project) -> Provider:
    """Who tunes, by the settings.

    Raises:
        SettingsError: a hosted one's key is not in the environment.
    """
    settings = project.settings.provider
    if settings.kind == "local":
        return LocalProvider(
            project,
            lambda run: defer_finetune(project.dsn, client=project.client, run=run),
            name_of_run,
        )
    if settings.key_env and not os.environ.get(settings.key_env):
        raise SettingsError(
            f"provider.key_env: there is no {settings.key_env} in the environment",
            remedy=f"export {settings.key_env}=…",
        )
    return HostedProvider(project, settings, os.environ.get(settings.key_env, "") if settings.key_env else "")


def trainer_desk(project_of: Callable[[ClientId], Project]) -> TrainerDesk:
    """`project_of`: the project as it is now, of a client."""

    def start(client: ClientId, wish: FinetuneWish) -> dict[str, Any]:
        project = project_of(client)
        asked = Wish(base=wish.base_model, dataset=wish.dataset_uri, notes=wish.notes)
        identity = provider_of(project).start(asked)
        return told(provider_of(project), identity)

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
            "model_version": version.name, "status": "judged", "outcome": found.outcome.value, "because": found.because,
            "p_value": found.p_value, "reasons": list(found.reasons), "arms": own,
        }  # fmt: skip

    def rollout(client: ClientId, wish: RolloutWish, actor: str) -> dict[str, Any]:
        project = project_of(client)
        version = project.ledger.version(wish.model_version)
        moved = set_traffic(project, version, wish.traffic_pct / 100, actor=actor, reason=wish.notes or "asked for")
        return {"model_version": version.name, "state": moved.state.value, "traffic_pct": round(100 * moved.share, 4)}

    return TrainerDesk(
        start=start,
        status=lambda client, identity: told(provider_of(project_of(client)), identity),
        evaluate=evaluate,
        verdict=verdict,
        rollout=rollout,
    )


def told(provider: Provider, identity: str) -> dict[str, Any]:
    """A fine-tuning in the API's words."""
    found = provider.standing(identity)
    return {
        "id": found.id, "status": found.status, "base_model": found.base, "dataset_uri": found.dataset, "model_version": found.model or None,
        "error": found.error or None, "notes": found.notes,
    }  # fmt: skip
