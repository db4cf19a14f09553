"""Train, export and evaluate on a project: load → call → save → record."""

from dataclasses import asdict
from typing import Any

from afina.bases import resolve_base
from afina.evaluate import save_result
from afina.evaluate.record import write_record
from afina.export import get_base_version, get_version, next_name, register_version
from afina.freeze import load_dataset
from afina.ids import ModelVersionId, RunId, new_id
from afina.loop.assess import TUNED, Live, assess_labels
from afina.loop.narrate import Stages
from afina.loop.project import Project
from afina.loop.rollouts import in_production
from afina.loop.tune import (
    base_gguf,
    base_stage,
    export_stage,
    recommended_training,
    task_report,
    train_stage,
)
from afina.loop.yielding import serving_suffers
from afina.records import Dataset, ModelVersion, RunState, Verdict
from afina.release.job import save_verdict
from afina.settings import Settings
from afina.store.paths import write_json
from afina.train import get_run, move_run, newest_run, plan_run
from afina.train.loop import finite


def plan_training(project: Project, dataset: Dataset) -> RunId:
    """Record the run that is about to start."""
    config = recommended_training(project.settings.base.model, project.settings.train)
    with project.session() as session:
        return plan_run(
            session, dataset=dataset.id, base=project.settings.base.model, config=config.model_dump(mode="json")
        )


def train_run(project: Project, run: RunId, stages: Stages, *, resume: bool) -> None:
    """Train a planned run, or go on with one that was interrupted."""
    with project.session() as session:
        planned = get_run(session, run)
        dataset = load_dataset(session, planned.dataset)
        move_run(session, run, RunState.RUNNING)
    settings = settings_of(project, base=planned.base, config=planned.config)
    try:
        base_stage(settings, stages, folder=project.paths.data / "bases")
        result = train_stage(
            dataset, settings, stages, run_folder=project.paths.run(run), resume=resume,
            must_wait=serving_suffers(project, lambda what: stages.narrator.progress(0, 1, what)),
        )  # fmt: skip
    except Exception as exc:
        with project.session() as session:
            move_run(session, run, RunState.FAILED, error=str(exc))
        raise
    with project.session() as session:
        move_run(session, run, RunState.DONE, result={name: finite(value) for name, value in asdict(result).items()})


def settings_of(project: Project, *, base: str, config: dict[str, Any] | None = None) -> Settings:
    """The project's settings with what was recorded for a run or a version, which may have been edited since."""
    sections = project.settings.model_dump()
    sections["base"] = {"model": base}
    if config:
        sections["train"] = config
    return Settings.model_validate(sections)


def interrupted_run(project: Project) -> RunId:
    """The run that `--resume` goes on with."""
    states = (RunState.RUNNING, RunState.FAILED, RunState.PLANNED)
    with project.session() as session:
        return newest_run(session, task=project.task, states=states).id


def export_run(project: Project, stages: Stages, *, run: RunId | None = None) -> ModelVersion:
    """A finished run as a model version: GGUF, Modelfile, card."""
    with project.session() as session:
        done = get_run(session, run) if run else newest_run(session, task=project.task, states=(RunState.DONE,))
        dataset = load_dataset(session, done.dataset)
        name = next_name(session, task=project.task, base=done.base)
    identity = ModelVersionId(new_id("mod"))
    file = f"{name.replace(':', '-')}-{project.settings.export.quantisation}.gguf"
    exported = export_stage(
        dataset, settings_of(project, base=done.base), stages, adapter=project.paths.run(done.id) / "adapter",
        out=project.paths.model(identity) / file, name=name,
    )  # fmt: skip
    card = {**exported.card, **label_card(dataset), "dataset": dataset.id}
    version = ModelVersion(
        id=identity, name=name, task=project.task, base=done.base, gguf=str(exported.gguf.relative_to(project.paths.data)),
        quantisation=project.settings.export.quantisation, run=done.id, card=card,
    )  # fmt: skip
    with project.session() as session:
        register_version(session, version)
    return version


def label_card(dataset: Dataset) -> dict[str, Any]:
    """What the gateway needs to ask for an answer."""
    return {"fields": list(dataset.fields), "labels": {name: list(labels) for name, labels in dataset.labels.items()}}


def base_version(project: Project, dataset: Dataset) -> ModelVersion:
    """The untuned base, registered as the version everything starts from."""
    base, quantisation = project.settings.base.model, project.settings.export.quantisation
    with project.session() as session:
        found = get_base_version(session, task=project.task, base=base, quantisation=quantisation)
    if found is not None and (project.paths.data / found.gguf).is_file():
        return found
    gguf = base_gguf(project.settings, folder=project.paths.data / "bases")
    version = ModelVersion(
        id=ModelVersionId(new_id("mod")), name=f"{resolve_base(base).name if base != 'semilla' else base}-{project.task}:base-{quantisation}",
        task=project.task, base=base, gguf=str(gguf.relative_to(project.paths.data)), quantisation=quantisation, card=label_card(dataset),
    )  # fmt: skip
    with project.session() as session:
        register_version(session, version)
    return version


def live_model(project: Project, *, but: ModelVersion) -> Live | None:
    """The tuned version in production: a new one must be better than it, not than the base again."""
    rollout = in_production(project)
    if rollout is None or rollout.model_version == but.id:
        return None
    with project.session() as session:
        version = get_version(session, rollout.model_version, task=project.task)
        gguf = project.paths.data / version.gguf
        if version.run is None or not gguf.is_file():
            return None
        seen = load_dataset(session, version.card["dataset"])
    return Live(gguf=gguf, seen=tuple(e.text for e in [*seen.train, *seen.validation]))


def evaluate_version(project: Project, version: ModelVersion, stages: Stages) -> tuple[dict[str, Any], Verdict]:
    """Score a version beside base, live version and yardsticks, reach the verdict, store both. Returns the report entry."""
    gguf = project.paths.data / version.gguf  # stored relative: a project may be moved or restored elsewhere
    with project.session() as session:
        dataset = load_dataset(session, version.card["dataset"])
    settings = settings_of(project, base=version.base)
    live = live_model(project, but=version)
    found = assess_labels(
        dataset, settings, stages, base=base_gguf(settings, folder=project.paths.data / "bases"), tuned=gguf,
        folder=project.paths.evaluation(dataset.id), live=live,
    )  # fmt: skip
    with project.session() as session:
        for result in (found.base, *found.yardsticks):
            save_result(session, result, dataset=dataset.id, version=None)
        save_result(session, found.tuned, dataset=dataset.id, version=version.id)
        save_verdict(session, found.verdict, version=version.id, dataset=dataset.id)
    entry = task_report(
        dataset, project.settings, base=found.base, tuned=found.tuned, yardsticks=found.yardsticks, verdict=found.verdict,
        gguf=gguf, seconds=stages.seconds,
    )  # fmt: skip
    write_json(project.paths.model(version.id) / "report.json", {"tasks": [entry]})
    write_json(project.paths.model(version.id) / "verdict.json", found.judged)
    # kept with the version: the dataset's folder holds the newest version's
    own = next(one for one in found.scored if one.name == TUNED)
    write_record(project.paths.model(version.id) / "evaluation.jsonl", own.record, own.scores)
    return entry, found.verdict
