"""`train`, `export`, `evaluate`, `parity`: on the project, or file to file."""

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import get_args

import click
from rich.markup import escape
from rich.table import Table

from afina.bases import resolve_base
from afina.bases.families import FAMILIES
from afina.chat.render import load_renderer
from afina.cli.options import here, json_option, resume_option
from afina.cli.plan import print_plan
from afina.cli.terminal import OUT, print_json, print_report, stages
from afina.cli.words import t
from afina.export.export import export_model
from afina.export.parity import check_parity
from afina.ids import RunId
from afina.jobs import defer_training
from afina.loop import Stages
from afina.loop.chats import read_chats
from afina.loop.freezing import current_dataset
from afina.loop.matrix import Cell, matrix_report, run_matrix
from afina.loop.steps import evaluate_version, export_run, interrupted_run, plan_training, train_run
from afina.loop.tune import recommended_training
from afina.loop.versions import find_version
from afina.settings import Quantisation, Settings, TrainSettings, read_train_settings
from afina.train.encode import Encoded, encode_chats
from afina.train.loop import train
from afina.train.plan import plan_training as make_plan
from afina.train.plan import read_model_config
from afina.wiring import open_project

QUANTISATIONS = click.Choice(get_args(Quantisation))


@click.command("train", help=t("Train a LoRA adapter on the newest dataset. With --model, --data and --output: file to file, on chats {\"messages\": […]} in JSONL."))  # fmt: skip
@click.option("--model", help=t("base for file to file: `semilla`, a folder or a hub id"))
@click.option("--data", type=click.Path(path_type=Path), help=t("chats, JSONL"))
@click.option("--validation", type=click.Path(path_type=Path), help=t("chats for the validation loss, JSONL"))
@click.option("--config", type=click.Path(path_type=Path), help=t("training settings, YAML or TOML"))
@click.option(
    "--output", type=click.Path(path_type=Path), help=t("folder for the run; the adapter lands in OUTPUT/adapter")
)
@click.option("--plan", "only_plan", is_flag=True, help=t("file to file: measure, say what it will take and stop"))
@click.option("--max-hours", type=click.FloatRange(min=0), default=0.0, help=t("with --plan: the time allowed"))
@click.option("--run", "run_id", help=t("train this planned run"))
@click.option("--queue", is_flag=True, help=t("leave it to `afina worker`"))
@resume_option
@json_option
def train_command(
    model: str | None, data: Path | None, validation: Path | None, config: Path | None, output: Path | None,
    only_plan: bool, max_hours: float, run_id: str | None, queue: bool, resume: bool, as_json: bool,
) -> None:  # fmt: skip
    """Train."""
    if only_plan:
        if not (model and data):
            raise click.UsageError("--plan needs --model and --data")
        plan_files(model, data, config, max_hours=max_hours, as_json=as_json)
        return
    if model or data or output:
        if not (model and data and output):
            raise click.UsageError("file to file needs --model, --data and --output")
        train_files(model, data, validation, config, output, resume=resume, as_json=as_json)
        return
    flags = {"train": read_train_settings(config).model_dump()} if config else None
    project = open_project(here(), flags=flags)
    run = (
        RunId(run_id)
        if run_id
        else interrupted_run(project)
        if resume
        else plan_training(project, current_dataset(project))
    )
    if queue:
        defer_training(project.dsn, client=project.client, run=run)
        OUT.print(f"{run} → afina worker")
        return
    train_run(project, run, stages(as_json), resume=resume or run_id is not None)
    if as_json:
        print_json({"run": run})


def plan_files(model: str, data: Path, config: Path | None, *, max_hours: float, as_json: bool) -> None:
    """Measure and say; exit code 1 if it does not fit."""
    settings = recommended_training(model, read_train_settings(config) if config else TrainSettings())
    base = resolve_base(model)
    examples = encode_chats(read_chats(data), load_renderer(base), max_tokens=settings.training.max_seq_length)
    told = stages(as_json)
    with told.stage("plan"):
        plan = make_plan(
            examples, read_model_config(base), settings, max_hours=max_hours,
            say=told.narrator.progress,
        )  # fmt: skip
        told.note = f"{plan.steps} steps"
    if as_json:
        print_json(asdict(plan))
    else:
        print_plan(plan)
    if plan.way is None or (max_hours and plan.seconds > max_hours * 3600):
        raise SystemExit(1)


def train_files(
    model: str, data: Path, validation: Path | None, config: Path | None, output: Path, *, resume: bool, as_json: bool
) -> None:
    """File to file."""
    settings = recommended_training(model, read_train_settings(config) if config else TrainSettings())
    base = resolve_base(model)
    renderer = load_renderer(base)
    limit = settings.training.max_seq_length
    encoded = Encoded(
        encode_chats(read_chats(data), renderer, max_tokens=limit),
        encode_chats(read_chats(validation), renderer, max_tokens=limit) if validation else (),
    )
    told = stages(as_json)
    with told.stage("train"):
        for notice in settings.notices():
            click.echo(f"note: {notice}", err=True)
        result = train(
            encoded, settings, base=base, out=output, resume=resume,
            on_progress=lambda p: told.narrator.progress(p.step, p.steps, f"loss {p.loss:.3f}"),
        )  # fmt: skip
        told.note = f"{result.steps} steps, loss {result.train_loss:.3f} → {result.adapter}"
    if as_json:
        print_json(asdict(result))


@click.command("export", help=t("The newest finished run as a GGUF with its Modelfile, checked to answer like the model. With --model and --out: file to file."))  # fmt: skip
@click.option("--model", help=t("base for file to file"))
@click.option("--adapter", type=click.Path(path_type=Path), help=t("adapter folder; without, the base alone"))
@click.option("--quant", type=QUANTISATIONS, help=t("quantisation (default: the setting's)"))
@click.option("--out", type=click.Path(path_type=Path), help=t("path of the .gguf"))
@json_option
def export_command(model: str | None, adapter: Path | None, quant: str | None, out: Path | None, as_json: bool) -> None:
    """Export."""
    if model or out or adapter:
        if not (model and out):
            raise click.UsageError("file to file needs --model and --out")
        told = stages(as_json)
        settings = Settings()
        with told.stage("export"):
            steps = iter(range(1, 10))
            exported = export_model(
                resolve_base(model), adapter, out, settings.runtime, quantisation=quant or settings.export.quantisation,
                name=out.stem, say=lambda what: told.narrator.progress(next(steps), 6, what),
            )  # fmt: skip
            told.note = str(exported.gguf)
        if as_json:
            print_json(exported.card)
        return
    project = open_project(here(), flags={"export": {"quantisation": quant}} if quant else None)
    version = export_run(project, stages(as_json))
    if as_json:
        print_json({"version": version.id, "name": version.name, "gguf": version.gguf, "card": version.card})


@click.command("evaluate", help=t("Score a version's served file beside the base and simple classifiers; reach a verdict. Exit code 3 on a no-go."))  # fmt: skip
@click.argument("version", required=False)
@json_option
def evaluate_command(version: str | None, as_json: bool) -> None:
    """Evaluate."""
    project = open_project(here())
    entry, verdict = evaluate_version(project, find_version(project, version), stages(as_json))
    report = {"tasks": [entry]}
    print_json(report) if as_json else print_report(report)
    if not verdict.go:
        raise click.exceptions.Exit(3)


@click.command("parity", help=t("Compare a GGUF with the model folder it was made from: template, token ids, log-probabilities. With --matrix: every family in every quantisation, on small models made here."))  # fmt: skip
@click.option("--model", "models", multiple=True, help=t("model folder (merged); with --matrix, one more to test"))
@click.option("--gguf", type=click.Path(path_type=Path))
@click.option("--quant", type=QUANTISATIONS, default="f32", show_default=True, help=t("whose limits to apply"))
@click.option("--matrix", is_flag=True, help=t("train a step, merge, export, serve and compare each family"))
@click.option("--family", "families", multiple=True, type=click.Choice(list(FAMILIES)), help=t("only this family"))
@json_option
def parity_command(
    models: tuple[str, ...], gguf: Path | None, quant: str, matrix: bool, families: tuple[str, ...], as_json: bool
) -> None:
    """Compare."""
    if matrix:
        print_matrix(families or tuple(FAMILIES), [resolve_base(model) for model in models], as_json=as_json)
        return
    if len(models) != 1 or gguf is None:
        raise click.UsageError("parity needs --model and --gguf, or --matrix")
    told: Stages = stages(as_json)
    with told.stage("parity"), tempfile.TemporaryDirectory() as scratch:
        result = check_parity(
            resolve_base(models[0]), gguf, Settings().runtime, quantisation=quant, log=Path(scratch) / "worker.log"
        )
        told.note = f"max |Δ log p| {result.max_difference:.4f}, {'equal' if result.passed else 'DIFFERENT'}"
    if as_json:
        print_json(asdict(result))
    if not result.passed:
        raise click.exceptions.Exit(3)


def print_matrix(families: tuple[str, ...], others: list[Path], *, as_json: bool) -> None:
    """Run the matrix and show it; exit code 3 when a file answers differently from its model."""
    told: Stages = stages(as_json)
    with told.stage("matrix"):
        cells = run_matrix(Settings().runtime, families=families, others=others, say=told.narrator.progress)
        report = matrix_report(cells)
        worst = report["max_f32_diff"]
        within = "" if worst is None else f", f32 within {worst:.5f}"
        told.note = f"{report['families']} families, {report['failed']} failed{within}"
    if as_json:
        print_json(report)
    else:
        table = Table(box=None, header_style="bold")
        for heading in MATRIX_COLUMNS:
            table.add_column(t(heading), justify="left" if heading in MATRIX_COLUMNS[:2] else "right")
        for cell in cells:
            table.add_row(*matrix_row(cell))
        OUT.print(table)
    if report["failed"]:
        raise click.exceptions.Exit(3)


MATRIX_COLUMNS = ("family", "quantisation", "tokens equal", "max |Δ log p|", "KL", "greedy equal", "MB", "tokens/s", "")


def matrix_row(cell: Cell) -> tuple[str, ...]:
    """One cell as text."""
    parity = cell.parity
    if parity is None:
        return (cell.family, cell.quantisation, *("",) * 6, f"[red]{escape(cell.error)}[/]")
    tokens = parity.templates_equal + parity.token_ids_equal
    return (
        cell.family, cell.quantisation, f"{tokens}/{parity.prompts + parity.token_checks}",
        f"{parity.max_difference:.5f}", f"{max(0.0, parity.mean_divergence):.5f}",
        f"{parity.argmax_equal}/{parity.compared}", f"{cell.size / 1e6:.1f}", f"{parity.tokens_per_s:.0f}",
        "ok" if parity.passed else "[red]DIFFERENT[/]",
    )  # fmt: skip
