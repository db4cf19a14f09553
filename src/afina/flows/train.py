"""Plan a training, run it, go on with it."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from afina.bases import resolve_base
from afina.chat.render import Rendered, Renderer
from afina.errors import NotEnoughDataError
from afina.flows.base_file import base_stage
from afina.flows.evaluate import require_known
from afina.flows.freeze import unknown_items
from afina.flows.give_way import serving_suffers
from afina.flows.memorisation import require_learnt
from afina.flows.project import Project, recorded, settings_of
from afina.ids import RunId
from afina.progress import Stages
from afina.records import Dataset, Example, RunState
from afina.runtime.renderer import renderer_of
from afina.settings import Settings
from afina.store.paths import write_json
from afina.train.encode import Encoded, Long, encode_chats, encode_documents
from afina.train.folder import only_trainer
from afina.train.loop import Job, TrainResult, finite, train

FEW_STEPS = 20
"""Optimiser steps below which a run has hardly begun: after 10 steps on 19 long answers 20 % of the likeliest answers were valid, after 45 40 %."""


def plan_training(project: Project, dataset: Dataset, *, notes: str = "") -> RunId:
    """Record the run that is about to start. By the settings it goes on from the adapter that is in production, where that is on the same base.

    Raises:
        NotEnoughDataError: no verdict could come from the held-out part. InputError: a metric or baseline that is not there.
    """
    require_known(project)
    require_items(dataset, project.settings)
    base = project.settings.base.model
    start = production_run(project) if project.settings.loop.start == "production" else None
    config = {
        **recorded(project.settings),
        **({"start": start} if start else {}),
        **({"notes": notes} if notes else {}),
    }
    return project.ledger.plan_run(dataset=dataset.id, base=base, config=config)


def production_run(project: Project) -> RunId | None:
    """The run whose adapter is in production, if it can be gone on from: the same base, the same shape, its folder still there."""
    rollout = project.ledger.in_production()
    version = project.ledger.version(rollout.model_version) if rollout else None
    if version is None or version.run is None or version.base != project.settings.base.model:
        return None
    lora = project.ledger.run(version.run).config.get("train", {}).get("lora")
    same = lora == project.settings.train.lora.model_dump(mode="json")
    return version.run if same and (project.paths.run(version.run) / "adapter").is_dir() else None


def require_items(dataset: Dataset, settings: Settings) -> None:
    """Refuse before any training time is spent what no verdict could come from.

    Raises:
        NotEnoughDataError: too few held-out items that the training does not know.
    """
    count, least = unknown_items(dataset), settings.evaluate.min_items
    if count < least:
        raise NotEnoughDataError(
            f"{count} held-out items are not known from training, at least {least} are needed for a verdict",
            remedy="collect more, hold more out (freeze.test_share), or lower evaluate.min_items",
        )


def interrupted_run(project: Project) -> RunId:
    """The run that `--resume` goes on with.

    Raises:
        StoreError: there is none.
    """
    return project.ledger.newest_run(RunState.RUNNING, RunState.FAILED, RunState.PLANNED).id


def train_run(project: Project, run: RunId, stages: Stages, *, resume: bool) -> None:
    """Train a planned run, or go on with one that was interrupted."""
    ledger = project.ledger
    planned = ledger.run(run)
    dataset = ledger.dataset(planned.dataset)
    with only_trainer(project.paths.run(run)):  # whoever trains it now goes on: their run must not be marked as failed
        ledger.move_run(run, RunState.RUNNING)
    settings = settings_of(project, planned.config)
    try:
        base_stage(settings, stages, folder=project.paths.bases)
        folder = project.paths.run(run)
        start = planned.config.get("start")
        training = Training(
            folder=folder,
            resume=resume,
            must_wait=serving_suffers(project),
            start=project.paths.run(start) / "adapter" if start else None,
        )
        write_json(folder / "settings.json", recorded(settings))
        result = train_stage(dataset, settings, stages, training)
    except Exception as exc:
        ledger.move_run(run, RunState.FAILED, error=str(exc))
        raise
    ledger.move_run(run, RunState.DONE, result={name: finite(value) for name, value in asdict(result).items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """Where a run lies, whether it goes on, why to wait between two of its steps (empty = do not), and the adapter that it starts from."""

    folder: Path
    resume: bool = False
    must_wait: Callable[[], str] = lambda: ""
    start: Path | None = None


def train_stage(dataset: Dataset, settings: Settings, stages: Stages, training: Training) -> TrainResult:
    """Encode, train. The base's own file was made before, so what is trained on it can be exported."""
    base, options = resolve_base(settings.base.model), settings.train.training
    with stages.stage("train") as stage:
        for notice in settings.train.notices():
            stage.tell(0, 0, notice)
        said: list[str] = []
        encoded = encode(dataset, renderer_of(base), settings, said)

        def waits() -> bool:
            why = training.must_wait()
            if why:
                stage.tell(0, 0, why)
            return bool(why)

        result = train(
            encoded,
            settings.train,
            base=base,
            job=Job(
                out=training.folder, resume=training.resume, must_wait=waits, tell=stage.tell, start=training.start
            ),
        )
        reached = f"{result.steps} steps, best at {result.best_step}, validation loss {result.validation_loss:.3f}"
        if result.planned_steps < FEW_STEPS and options.batch_size * options.gradient_accumulation_steps > 1:
            said.append("so few steps teach little: a smaller batch_size makes more of them")
        stage.note = "; ".join((reached, *said))
    return result


def encode(dataset: Dataset, renderer: Renderer, settings: Settings, said: list[str]) -> Encoded:
    """Training and validation part as token ids; what became of long examples is added to `said`."""
    training = settings.train.training
    require_learnt(dataset, renderer, most_tokens=training.max_seq_length)

    def part(examples: Sequence[Example]) -> tuple[Rendered, ...]:
        chats = [e.chat(dataset.prompt) for e in examples if e.turns]
        texts = [e.answer for e in examples if not e.turns]
        limit = training.max_seq_length
        rendered = encode_chats(
            chats, renderer, max_tokens=limit, only_last=True, long=Long(training.too_long, said.append)
        )
        return (*rendered, *encode_documents(texts, renderer, max_tokens=limit))

    return Encoded(part(dataset.train), part(dataset.validation))
