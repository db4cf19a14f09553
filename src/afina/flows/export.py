"""A finished run as a model version; the untuned base as the version everything starts from."""

from pathlib import Path
from typing import Any

from afina.bases import resolve_base
from afina.errors import ExportError
from afina.export.deliver import deliver
from afina.export.export import Exported, Target
from afina.export.merge import Trained
from afina.flows.base_file import base_gguf, served_type
from afina.flows.opponent import opponent_prompt
from afina.flows.project import Project, settings_of
from afina.ids import ModelVersionId, RunId, base_name, new_id
from afina.progress import Stages
from afina.records import Dataset, ModelVersion, RunState
from afina.runtime.renderer import renderer_of
from afina.settings import Form, Settings

PROBES = 8
"""Prompts of the dataset that the parity check compares, beside its own."""


def export_run(
    project: Project,
    stages: Stages,
    *,
    run: RunId | None = None,
    quantisation: str | None = None,
    form: Form | None = None,
) -> ModelVersion:
    """A finished run as a model version: GGUF, Modelfile, card. Quantisation and form are the project's, unless others are named."""
    ledger = project.ledger
    done = ledger.run(run) if run else ledger.newest_run(RunState.DONE)
    dataset = ledger.dataset(done.dataset)
    name = ledger.next_name(done.base)
    identity = ModelVersionId(new_id("mod"))
    wanted = quantisation or project.settings.export.quantisation
    settings = settings_of(project, done.config, export={"quantisation": wanted})
    base = resolve_base(settings.base.model)
    quantisation = served_type(base, wanted)
    form = form or project.settings.export.form
    # An adapter's name carries the version's id: several may come to lie in one folder, or in one server.
    last = identity if base.is_file() and form == "adapter" else quantisation
    out = project.paths.model(identity) / f"{name.replace(':', '-')}-{last}.gguf"
    probes = [e.chat(dataset.prompt)[:-1] for e in dataset.validation[:PROBES] if e.turns]
    trained = Trained(base, project.paths.run(done.id) / "adapter", probes)
    target = Target(quantisation=quantisation, name=name, system=dataset.prompt, form=form)
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
            exported = deliver(trained, out, settings.runtime, target, tell=stage.tell)
        except ExportError as exc:
            base, adapter = settings.base.model, trained.adapter
            raise ExportError(
                f"{exc} (the training is kept in {adapter})",
                remedy=f"{exc.remedy}; nothing has to be trained again: "
                f"afina export --model {base} --adapter {adapter} --quant f16 --out {out}",
            ) from exc
        worst = next(iter(exported.card["parity"].values()))["max_difference"]
        stage.note = f"{exported.card['bytes'] / 1e6:.1f} MB {target.quantisation}, parity {worst:.4f} nats"
    return exported


def answer_card(dataset: Dataset, prompt: str) -> dict[str, Any]:
    """What the gateway needs to ask for an answer: the prompt, and what binds it."""
    return {"dataset": dataset.id, "kind": dataset.kind, "prompt": prompt, "answer_schema": dataset.answer_schema}


def base_version(project: Project, dataset: Dataset) -> ModelVersion:
    """The untuned base, registered as the version everything starts from; it is asked as its owner would."""
    settings, ledger = project.settings, project.ledger
    base = settings.base.model
    quantisation = served_type(resolve_base(base), settings.export.quantisation)
    prompt = opponent_prompt(project, dataset, settings, renderer_of(resolve_base(base)))
    found = ledger.base_version(base=base, quantisation=quantisation, prompt=prompt)
    if found is not None and (project.paths.data / found.gguf).is_file():
        return found
    gguf = base_gguf(settings, folder=project.paths.bases)
    identity = ModelVersionId(new_id("mod"))
    version = ModelVersion(
        id=identity,
        name=f"{base_name(base)}-{project.task.name}:base-{quantisation}" + (f"-{identity[-4:]}" if found else ""),
        task=project.task.name,
        base=base,
        gguf=str(gguf.relative_to(project.paths.data)),
        quantisation=quantisation,
        card=answer_card(dataset, prompt),
    )
    ledger.add_version(version)
    return version
