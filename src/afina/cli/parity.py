"""`parity`: one file against its model, or every family in every quantisation."""

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import get_args

import click
from rich.markup import escape
from rich.table import Table

from afina.bases import resolve_base
from afina.bases.families import FAMILIES
from afina.cli.options import json_option
from afina.cli.terminal import OUT, print_json, stages
from afina.export.merge import Trained
from afina.export.parity import Check, check_parity
from afina.flows.parity_matrix import Cell, matrix_report, run_matrix
from afina.settings import Quantisation, Settings
from afina.texts import t

QUANTISATIONS = click.Choice(get_args(Quantisation))


@click.command(
    "parity",
    help=t(
        "Compare a GGUF with the model folder it was made from: template, token ids, log-probabilities. With --matrix: every family in every quantisation, on small models made here."
    ),
)
@click.option("--model", "models", multiple=True, help=t("model folder (merged); with --matrix, one more to test"))
@click.option("--gguf", type=click.Path(path_type=Path))
@click.option("--adapter", type=click.Path(path_type=Path), help=t("adapter that the GGUF was made with"))
@click.option("--quant", type=QUANTISATIONS, default="f32", show_default=True, help=t("whose limits to apply"))
@click.option("--matrix", is_flag=True, help=t("train a step, merge, export, serve and compare each family"))
@click.option("--family", "families", multiple=True, type=click.Choice(list(FAMILIES)), help=t("only this family"))
@json_option
def parity_command(
    models: tuple[str, ...],
    gguf: Path | None,
    adapter: Path | None,
    quant: str,
    matrix: bool,
    families: tuple[str, ...],
    as_json: bool,
) -> None:
    """Compare."""
    if matrix:
        print_matrix(families or tuple(FAMILIES), [resolve_base(model) for model in models], as_json=as_json)
        return
    if len(models) != 1 or gguf is None:
        raise click.UsageError("parity needs --model and --gguf, or --matrix")
    told = stages(as_json)
    with told.stage("parity") as stage, tempfile.TemporaryDirectory() as scratch:
        result = check_parity(
            Trained(resolve_base(models[0]), adapter),
            gguf,
            Settings().runtime,
            Check(quantisation=quant, log=Path(scratch) / "worker.log"),
        )
        stage.note = f"max |Δ log p| {result.max_difference:.4f}, {'equal' if result.passed else 'DIFFERENT'}"
    if as_json:
        print_json(asdict(result))
    if not result.passed:
        raise click.exceptions.Exit(3)


def print_matrix(families: tuple[str, ...], others: list[Path], *, as_json: bool) -> None:
    """Run the matrix and show it; exit code 3 when a file answers differently from its model."""
    told = stages(as_json)
    with told.stage("matrix") as stage:
        cells = run_matrix(Settings().runtime, families=families, others=others, tell=stage.tell)
        report = matrix_report(cells)
        worst = report["max_f32_diff"]
        within = "" if worst is None else f", f32 within {worst:.5f}"
        stage.note = f"{report['families']} families, {report['failed']} failed{within}"
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
        return (cell.family, cell.quantisation, *("",) * 6, f"[red]{escape(t(cell.error))}[/]")
    tokens = parity.templates_equal + parity.token_ids_equal
    return (
        cell.family,
        cell.quantisation,
        f"{tokens}/{parity.prompts + parity.token_checks}",
        f"{parity.max_difference:.5f}",
        f"{max(0.0, parity.mean_divergence):.5f}",
        f"{parity.argmax_equal}/{parity.compared}",
        f"{cell.size / 1e6:.1f}",
        f"{parity.tokens_per_s:.0f}",
        "ok" if parity.passed else "[red]DIFFERENT[/]",
    )
