"""A finished run as a model version; the untuned base as the version everything starts from."""

from pathlib import Path
from typing import Any

from afina.bases import resolve_base
from afina.chat.render import load_renderer
from afina.errors import ExportError
from afina.export.export import Exported, Target, export_model
from afina.export.merge import Trained
from afina.flows.base_file import base_gguf
from afina.flows.collect import with_prompt
from afina.flows.opponent import opponent_prompt
from afina.flows.project import Project, settings_of
from afina.ids import ModelVersionId, RunId, new_id
from afina.progress import Stages
from afina.records import Dataset, ModelVersion, RunState
from afina.settings import Settings

PROBES = 8
"""Prompts of the dataset that the parity check compares, beside its own."""


def export_run(
    project: Project, stages: Stages, *, run: RunId | None = None, quantisation: str | None = None
) -> ModelVersion:
    """A finished run as a model version: GGUF, Modelfile, card. The quantisation is the project's, unless another is named."""
    ledger = project.ledger
    done = ledger.run(run) if run else ledger.newest_run(RunState.DONE)
    dataset = ledger.dataset(done.dataset)
    name = ledger.next_name(done.base)
    identity = ModelVersionId(new_id("mod"))
    quantisation = quantisation or project.settings.export.quantisation
    settings = settings_of(project, done.config, export={"quantisation": quantisation})
    out = project.paths.model(identity) / f"{name.replace(':', '-')}-{quantisation}.gguf"
    probes = [with_prompt(e, dataset.prompt)[:-1] for e in dataset.validation[:PROBES] if e.turns]
    trained = Trained(resolve_base(settings.base.model), project.paths.run(done.id) / "adapter", probes)
    target = Target(quantisation=quantisation, name=name, system=dataset.prompt)
    exported = export_stage(trained, out, settings, target, stages)
    version = ModelVersion(
        id=identity,
        name=name,
        task=project.task.name,
        base=done.base,
        gguf=str(exported.gguf.relative_to(project.paths.data)),
        quantisation=quantisation,
        run=done.id,
        card={**exported.card, **answer_card(dataset, dataset.prompt)},
    )
    ledger.add_version(version)
    return version


def export_stage(trained: Trained, out: Path, settings: Settings, target: Target, stages: Stages) -> Exported:
    """Export the tuned model; parity is checked on some of the dataset's own prompts too."""
    with stages.stage("export") as stage:
        try:
            exported = export_model(trained, out, settings.runtime, target, tell=stage.tell)
        except ExportError as exc:
            base, adapter = settings.base.model, trained.adapter
            raise ExportError(
                f"{exc} (the training is kept in {adapter})",
                remedy=f"{exc.remedy}; nothing has to be trained again: "
                f"afina export --model {base} --adapter {adapter} --quant f16 --out {out}",
            ) from exc
        worst = exported.card["parity"]["f32"]["max_difference"]
        stage.note = f"{exported.card['bytes'] / 1e6:.1f} MB {target.quantisation}, parity {worst:.4f} nats"
    return exported


def answer_card(dataset: Dataset, prompt: str) -> dict[str, Any]:
    """What the gateway needs to ask for an answer: the prompt, and what binds it."""
    return {"dataset": dataset.id, "kind": dataset.kind, "prompt": prompt, "answer_schema": dataset.answer_schema}


def base_version(project: Project, dataset: Dataset) -> ModelVersion:
    """The untuned base, registered as the version everything starts from; it is asked as its owner would."""
    settings, ledger = project.settings, project.ledger
    base, quantisation = settings.base.model, settings.export.quantisation
    prompt = opponent_prompt(project, dataset, settings, load_renderer(resolve_base(base)))
    found = ledger.base_version(base=base, quantisation=quantisation, prompt=prompt)
    if found is not None and (project.paths.data / found.gguf).is_file():
        return found
    gguf = base_gguf(settings, folder=project.paths.bases)
    identity = ModelVersionId(new_id("mod"))
    plain = Path(base).name if base != "semilla" else base
    version = ModelVersion(
        id=identity,
        name=f"{plain}-{project.task.name}:base-{quantisation}" + (f"-{identity[-4:]}" if found else ""),
        task=project.task.name,
        base=base,
        gguf=str(gguf.relative_to(project.paths.data)),
        quantisation=quantisation,
        card=answer_card(dataset, prompt),
    )
    ledger.add_version(version)
    return version
