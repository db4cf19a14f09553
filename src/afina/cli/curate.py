"""`curate`: of a project, or of a file."""

from collections import Counter
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from afina.cli.options import here, json_option
from afina.cli.task_flags import flags_of
from afina.cli.terminal import OUT, print_json, stages
from afina.curate import history
from afina.errors import InputError
from afina.flows.base_settings import base_layer
from afina.flows.curate import curate_project
from afina.flows.curate_file import FileJob, curate_file
from afina.records import Curated, Judged
from afina.settings import make_settings
from afina.texts import t
from afina.wiring import open_project

FILE = click.Path(path_type=Path)


@click.command(
    "curate",
    help=t(
        "What may be learnt, judged step by step: `[curate] steps` is the list (collect, scrub, rules, quality, fit, conflicts, exact_duplicates, near_duplicates, caps, balance, newest, and your own as file.py:FUNCTION). Every row is kept or rejected with its step and reason; earlier judgements stay, and only what changed is judged again. With --input a file, without a project: rows in the form of `afina learn`, kept ones to --output, the others to --rejects."
    ),
)
@click.option(
    "--explain", metavar="ID", default="", help=t("what became of an example or interaction; of a file: a line")
)
@click.option("--input", "data", type=FILE, help=t("a .csv, .tsv, .jsonl or .parquet file instead of the project"))
@click.option("--output", type=FILE, help=t("rows that are kept, as JSONL"))
@click.option("--rejects", type=FILE, help=t("rows that are not, each with line, step and reason"))
@click.option(
    "--task",
    "kind",
    help=t("of a file: classify, chat, structured, documents (default: classify with --label, else chat)"),
)
@click.option("--recipe", default="", help=t("of a file: a recipe's name or TOML file"))
@click.option("--text", help=t("column with the message (default: text)"))
@click.option("--label", help=t("label columns: a comma parts fields, a plus joins columns into one label"))
@click.option(
    "--processes", type=click.IntRange(1, 256), default=1, show_default=True, help=t("processes that judge rows")
)
@json_option
def curate_command(data: Path | None, explain: str, as_json: bool, **options: Any) -> None:
    """Curate."""
    if data is None:
        if options["output"] or options["rejects"]:
            raise click.UsageError("--output and --rejects need --input")
        if explain:
            explain_stored(explain, as_json=as_json)
            return
        curated = curate_project(open_project(here()), stages(as_json), processes=options["processes"])
    else:
        settings = make_settings(settings_for(options), base_layer=base_layer)
        job = FileJob(data=data, output=options["output"], rejects=options["rejects"])
        curated = curate_file(job, settings, stages(as_json), processes=options["processes"])
        if explain:
            wanted = explain if ":" in explain else f"{data.name}:{explain}"
            found = [one for one in curated.judged if one.source.partition("#")[0] == wanted]
            show_judged(found, explain, curated, as_json=as_json)
            return
    show_steps(curated, as_json=as_json)


def settings_for(options: dict[str, Any]) -> dict[str, Any]:
    """The flags as settings."""
    given = {name: options.get(name) for name in ("kind", "text", "label", "recipe")}
    unnamed = dict.fromkeys(("system", "instructions", "schema", "base", "quant", "canaries", "scrub", "config"))
    if not given["kind"] and not given["label"] and not given["recipe"]:
        given["kind"] = "chat"
    flags = flags_of({**unnamed, **given, "metrics": (), "minutes": None})
    flags.pop("train", None)
    return flags


def show_steps(curated: Curated, *, as_json: bool) -> None:
    """What every step got and rejected, and why."""
    reasons = Counter((one.step, one.reason) for one in curated.judged if not one.kept)
    if as_json:
        print_json(
            {
                "kept": len(curated.judged) - reasons.total(),
                "rejected": reasons.total(),
                "reused": curated.reused,
                "steps": [{"name": one.name, "rows": one.rows, "rejected": one.rejected} for one in curated.steps],
                "reasons": [{"step": step, "reason": why, "rows": n} for (step, why), n in reasons.most_common(100)],
            }
        )
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("step", "rows", "rejected", "why"):
        table.add_column(t(name), justify="right" if name in {"rows", "rejected"} else "left")
    for step in curated.steps:
        why = ", ".join(f"{n:,} {t(reason)}" for (name, reason), n in reasons.most_common() if name == step.name)
        table.add_row(step.name, f"{step.rows:,}", f"{step.rejected:,}" if step.rejected else "–", why[:160])
    OUT.print(table)


def show_judged(found: list[Judged], identity: str, curated: Curated, *, as_json: bool) -> None:
    """What became of the examples of one row.

    Raises:
        InputError: there is no such row.
    """
    if not found:
        raise InputError(f"--explain {identity}: nothing was made of it", remedy="a line number, or FILE:LINE#n")
    names = [step.name for step in curated.steps]
    value = [
        {
            "id": one.example.id,
            "source": one.source,
            "message": one.text,
            "answer": one.example.answer,
            "evidence": one.example.origin.evidence,
            "passed": passed(names, one.step),
            "kept": one.kept,
            "step": one.step,
            "reason": one.reason,
        }
        for one in found
    ]
    if as_json:
        print_json(value)
        return
    for one in value:
        print_path(one)


def passed(names: list[str], step: str) -> list[str]:
    """The steps before the one that rejected; all where none did."""
    return names[: names.index(step)] if step in names else names


def print_path(one: dict[str, Any]) -> None:
    """The way of one example through the steps."""
    OUT.print(f"[bold]{one['id']}[/]  {one['source']}", soft_wrap=True)
    OUT.print(f"  {one['message']}  →  {one['answer']}", soft_wrap=True, markup=False)
    OUT.print(f"  {t('passed')}: {', '.join(one['passed']) or '–'}", soft_wrap=True)
    OUT.print(f"  {t('kept')}" if one["kept"] else f"  {one['step']}: {t(one['reason'])}", soft_wrap=True, markup=False)


def explain_stored(identity: str, *, as_json: bool) -> None:
    """Every judgement of an example or interaction, with the run that made it.

    Raises:
        InputError: there is none.
    """
    with open_project(here()).session() as session:
        rows = history(session, identity)
    if not rows:
        raise InputError(
            f"--explain {identity}: never judged",
            remedy="give the id of an interaction or example; `afina curate` judges",
        )
    if as_json:
        print_json([{**row, "created_at": row["created_at"].isoformat()} for row in rows])
        return
    for row in rows:
        names = [step["name"] for step in row["steps"] or []]
        OUT.print(f"[dim]{row['created_at']:%Y-%m-%d %H:%M}  {row['curation_id'] or '–'}[/]", soft_wrap=True)
        print_path({**row, "source": row["interaction_id"], "passed": passed(names, row["step"])})
