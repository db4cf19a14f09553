"""`train`: on the project, or file to file; planned, compared or run."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from afina.bases import resolve_base, semilla
from afina.chat.render import Rendered
from afina.cli.options import here, json_option, resume_option
from afina.cli.plan import print_plan, print_rates
from afina.cli.terminal import OUT, print_json, stages
from afina.errors import TrainError
from afina.export.export import require_exportable
from afina.files import placed_chats, read_documents
from afina.flows.base_settings import base_layer
from afina.flows.ollama_notices import ollama_notices
from afina.flows.train import interrupted_run, plan_training, train_run
from afina.ids import RunId
from afina.jobs import defer_training
from afina.records import RunState
from afina.runtime.renderer import renderer_of
from afina.settings import TrainSettings, read_train_settings
from afina.texts import t
from afina.train.encode import Encoded, Long, encode_documents, encode_placed
from afina.train.folder import require_free
from afina.train.loop import Job, finite, train, trainable_model
from afina.train.plan import plan_training as make_plan
from afina.train.plan import require_memory
from afina.train.products import decided
from afina.train.rates import Sweep, compare_rates
from afina.train.shape import read_model_config, shape_of
from afina.wiring import open_project

RATE_STEPS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """What a training from file to file reads and writes."""

    model: str
    data: Path | None
    documents: Path | None
    validation: Path | None
    adapter: Path | None
    output: Path | None
    settings: TrainSettings

    def chats(self) -> Encoded:
        """The chats, encoded; what becomes of long ones is said on stderr."""
        renderer = renderer_of(resolve_base(self.model))
        training = self.settings.training

        def part(path: Path | None) -> tuple[Rendered, ...]:
            long = Long(training.too_long, lambda what: click.echo(f"note: {path}: {what}", err=True))
            placed = placed_chats(path) if path else []
            return encode_placed(placed, renderer, max_tokens=training.max_seq_length, long=long)

        return Encoded(part(self.data), part(self.validation))

    def texts(self) -> Encoded:
        """The documents, encoded."""
        renderer = renderer_of(resolve_base(self.model))
        limit = self.settings.training.max_seq_length
        return Encoded(
            encode_documents(read_documents(self.documents) if self.documents else (), renderer, max_tokens=limit), ()
        )


@click.command(
    "train",
    help=t(
        'Train a LoRA adapter on the newest dataset. With --model and --output: file to file, on chats {"messages": […]} in JSONL (--data), on plain documents (--documents), or on the documents first and then on the chats.'
    ),
)
@click.option(
    "--model", help=t("base for file to file: `semilla`, a .gguf file, ollama:NAME, smollm2, a folder or a hub id")
)
@click.option("--data", type=click.Path(path_type=Path), help=t("chats, JSONL"))
@click.option(
    "--documents",
    type=click.Path(path_type=Path),
    help=t("text to go on pretraining with: .txt, .md, JSONL with `text`, or a folder of them"),
)
@click.option("--validation", type=click.Path(path_type=Path), help=t("chats for the validation loss, JSONL"))
@click.option("--adapter", type=click.Path(path_type=Path), help=t("go on from this trained adapter"))
@click.option("--config", type=click.Path(path_type=Path), help=t("training settings, YAML or TOML"))
@click.option(
    "--output", type=click.Path(path_type=Path), help=t("folder for the run; the adapter lands in OUTPUT/adapter")
)
@click.option("--plan", "only_plan", is_flag=True, help=t("file to file: measure, say what it will take and stop"))
@click.option("--max-hours", type=click.FloatRange(min=0), default=0.0, help=t("with --plan: the time allowed"))
@click.option("--find-rate", is_flag=True, help=t("file to file: compare learning rates in short runs and stop"))
@click.option(
    "--rate-steps",
    type=click.IntRange(min=2),
    default=RATE_STEPS,
    show_default=True,
    help=t("optimiser steps of each of these runs"),
)
@click.option("--run", "run_id", help=t("train this planned run"))
@click.option("--queue", is_flag=True, help=t("leave it to `afina worker`"))
@resume_option
@json_option
def train_command(
    model: str | None,
    data: Path | None,
    documents: Path | None,
    validation: Path | None,
    adapter: Path | None,
    config: Path | None,
    output: Path | None,
    only_plan: bool,
    max_hours: float,
    find_rate: bool,
    rate_steps: int,
    run_id: str | None,
    queue: bool,
    resume: bool,
    as_json: bool,
) -> None:
    """Train."""
    if not any((model, data, documents, validation, output, adapter, only_plan, find_rate)):
        train_project(config, run_id, queue=queue, resume=resume, as_json=as_json)
        return
    if not model or not (data or documents):
        raise click.UsageError("file to file needs --model and --data or --documents")
    for wrong, words in (
        (run_id or queue, "--run and --queue are for a project's trainings, not for file to file"),
        (validation and not data, "--validation needs --data"),
        (only_plan and find_rate, "--plan or --find-rate, one at a time"),
        (
            (only_plan or find_rate) and data and documents,
            "--plan and --find-rate look at --data or at --documents, one at a time",
        ),
        (max_hours and not only_plan, "--max-hours needs --plan"),
    ):
        if wrong:
            raise click.UsageError(words)
    settings = (
        read_train_settings(config) if config else TrainSettings.model_validate(base_layer(model).get("train", {}))
    )
    files = Files(
        model=model,
        data=data,
        documents=documents,
        validation=validation,
        adapter=adapter,
        output=output,
        settings=settings,
    )
    for notice in settings.notices():
        click.echo(f"{t('note')}: {t(notice)}", err=True)
    if only_plan:
        plan_files(files, max_hours=max_hours, as_json=as_json)
    elif find_rate:
        find_files(files, steps=rate_steps, as_json=as_json)
    elif output is None:
        raise click.UsageError("file to file needs --output")
    else:
        result = train_files(files, output, resume=resume, as_json=as_json)
        if as_json:
            print_json(result)


def train_project(config: Path | None, run_id: str | None, *, queue: bool, resume: bool, as_json: bool) -> None:
    """On the newest dataset."""
    flags = {"train": read_train_settings(config).model_dump()} if config else None
    project = open_project(here(), flags=flags)
    run = (
        RunId(run_id)
        if run_id
        else interrupted_run(project)
        if resume
        else plan_training(project, project.ledger.dataset())
    )
    if run_id and project.ledger.run(run).state is RunState.DONE:
        OUT.print(t("this run is done already"))
        return
    if queue:
        defer_training(project.dsn, client=project.client, run=run)
        OUT.print(f"{run} → afina worker")
        return
    train_run(project, run, stages(as_json), resume=resume or run_id is not None)
    if as_json:
        print_json({"run": run})


def plan_files(files: Files, *, max_hours: float, as_json: bool) -> None:
    """Measure and say; exit code 1 if it does not fit."""
    encoded = files.chats() if files.data else files.texts()
    settings = files.settings
    if not files.data:  # documents alone
        settings = epochs(settings, settings.training.document_epochs)
    told = stages(as_json)
    with told.stage("plan") as at_work:
        plan = make_plan(
            encoded.train,
            read_model_config(resolve_base(files.model)),
            settings,
            max_hours=max_hours,
            tell=at_work.tell,
        )
        at_work.note = f"{plan.steps} steps"
    if as_json:
        print_json(asdict(plan))
    else:
        print_plan(plan)
    if plan.way is None or (max_hours and plan.seconds > max_hours * 3600):
        raise SystemExit(1)


def find_files(files: Files, *, steps: int, as_json: bool) -> None:
    """Compare learning rates and say which."""
    encoded = files.chats() if files.data else files.texts()
    told = stages(as_json)
    base = resolve_base(files.model)
    config = read_model_config(base)
    settings = decided(files.settings, shape_of(config))
    room = require_memory(encoded.train, config, settings)
    with told.stage("rates") as at_work:
        model = trainable_model(room.settings(settings), base=base, start=files.adapter, tight=room.tight)
        found = compare_rates(model, encoded, settings, sweep=Sweep(steps=steps), tell=at_work.tell)
        at_work.note = f"training.learning_rate = {found.best:g}"
    if as_json:
        print_json(asdict(found))
    else:
        print_rates(found)


def epochs(settings: TrainSettings, count: int) -> TrainSettings:
    """The settings with another number of passes."""
    return settings.model_copy(update={"training": settings.training.model_copy(update={"num_epochs": count})})


def train_files(files: Files, output: Path, *, resume: bool, as_json: bool) -> dict[str, Any]:
    """Documents, chats, or one after the other; the last adapter lies in `output/adapter`.

    Everything is read and both folders are looked at before the first step: hours of documents must not end at a typo.
    """
    base, start = resolve_base(files.model), files.adapter
    parts: list[tuple[str, Path, Encoded, TrainSettings]] = []
    if files.documents:
        once = epochs(files.settings, files.settings.training.document_epochs)
        parts.append(("documents", output / "documents" if files.data else output, files.texts(), once))
    if files.data:
        parts.append(("train", output, files.chats(), files.settings))
    for _, out, encoded, _ in parts:
        if not resume:
            require_free(out)
        if not encoded.train:
            raise TrainError("there is nothing to train on")
    if files.model != semilla.NAME and base.is_dir():
        require_exportable(base)
    for notice in ollama_notices(files.model):
        click.echo(f"note: {notice}", err=True)
    told, results = stages(as_json), {}
    for stage, out, encoded, settings in parts:
        with told.stage(stage) as at_work:
            result = train(
                encoded, settings, base=base, job=Job(out=out, start=start, resume=resume, tell=at_work.tell)
            )
            at_work.note = f"{result.steps} steps, loss {result.train_loss:.3f} → {result.adapter}"
        results[stage] = {name: finite(value) for name, value in asdict(result).items()}
        start = Path(result.adapter)
    return {**results["train"], "documents": results["documents"]} if len(results) == 2 else results[stage]
