"""`bench-models`: which base to start from."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich.markup import escape
from rich.table import Table

from afina.bases import resolve_base
from afina.cli.options import here, json_option
from afina.cli.terminal import ERR, OUT, print_json, stages
from afina.errors import InputError
from afina.evaluate.set_files import read_set
from afina.evaluate.sets import make_set
from afina.flows.bench_models import (
    FIGURES,
    Constraints,
    as_markdown,
    bench_models,
    only_first,
    pick_winner,
    set_default_base,
)
from afina.flows.role_compare import headline_measure, seed_items
from afina.flows.role_model import CONTEXT
from afina.flows.role_space import open_space
from afina.flows.sources import ArmSettings
from afina.flows.tune_prompt import parted_seeds
from afina.records import EvalSet, Turn
from afina.runtime.gguf_config import gguf_config
from afina.settings import SETTINGS_FILE, Settings, find_project
from afina.store.paths import Paths, write_json, write_whole
from afina.texts import t

FILE = click.Path(path_type=Path)
TOKENS = 1024
COLUMNS = ("model", "score", "tokens/s", "RAM", "valid YAML", "completeness", "failed", "")


@click.command(
    "bench-models",
    epilog="afina bench-models ORG/NAME model.gguf ollama:qwen2.5:3b-instruct --data items.jsonl",
    help=t(
        "Candidate bases on your items, one after the other: folders, hub ids, .gguf files, ollama:NAME, http://…#model. The best score that meets the constraints wins. An interrupted run goes on. Exit code 1 when none meets them."
    ),
)
@click.argument("models", nargs=-1, required=True)
@click.option("--data", "--dataset", type=FILE, help=t("items: id, prompt or messages, expected, rules"))
@click.option("--role", default="", help=t("the authored examples of a role as items, e.g. ba"))
@click.option(
    "--metric",
    default="",
    help=t("the score: a name or your own as module:function (default: the role's, else ba_requirements_metric)"),
)
@click.option("--min-score", default=0.65, show_default=True, type=float)
@click.option(
    "--min-yaml", default=0.8, show_default=True, type=float, help=t("share of valid YAML; 0 = not asked for")
)
@click.option("--min-speed", default=10.0, show_default=True, type=float, help=t("tokens a second; 0 = not asked for"))
@click.option("--max-ram", default=8000.0, show_default=True, type=float, help=t("megabytes; 0 = not asked for"))
@click.option("--limit", default=0, type=click.IntRange(0), help=t("only the first items"))
@click.option(
    "--max-tokens", type=click.IntRange(1), help=t("longest answer, tokens (default: the role's, else 1,024)")
)
@click.option("--quant", default="q8_0", show_default=True, help=t("quantisation of models given as folders"))
@click.option("--out", type=FILE, help=t("folder for records and report.md (default: .afina/bench-models/DATA)"))
@click.option("--output", type=FILE, help=t("write the figures by model as JSON"))
@click.option("--use", is_flag=True, help=t("make the winner the project's base in afina.toml"))
@json_option
def bench_models_command(models: tuple[str, ...], data: Path | None, as_json: bool, **options: Any) -> None:
    """Compare."""
    settings_file = trainable_project(models) if options["use"] else None
    whole = role_items(options["role"]) if options["role"] else read_set(required(data))
    metric = options["metric"] or headline_measure(options["role"] or "ba")
    folder = options["out"] or Paths(here()).bench_models(whole.name)
    eval_set = make_set(whole.name, only_first(whole, options["limit"]))
    sections = sections_of(options)
    place = ArmSettings(settings=Settings.model_validate(sections), folder=folder)
    with stages(as_json).stage("bench-models") as stage:
        found, failed = bench_models(models, eval_set, metric, place, stage.tell)
        stage.note = f"{len(found)} models, {len(eval_set.items)} items"
    constraints = Constraints(
        score=options["min_score"],
        yaml=options["min_yaml"],
        tokens_per_s=options["min_speed"],
        ram_mb=options["max_ram"],
    )
    winner = pick_winner(found, constraints)
    report = as_markdown(found, failed, constraints, metric=metric, eval_set=eval_set)
    write_whole(folder / "report.md", report)
    if options["output"]:
        write_json(options["output"], found)
    if as_json:
        unmet = {name: constraints.unmet(row) for name, row in found.items()}
        print_json({"models": found, "failed": failed, "winner": winner, "unmet": unmet})
    else:
        print_models(found, failed, constraints, winner)
        OUT.print(f"→ {folder / 'report.md'}")
    if not winner:
        raise click.exceptions.Exit(1)
    said = f"export LOCAL_BASE_MODEL={winner}"
    if settings_file:
        name = str(Path(winner).resolve()) if Path(winner).is_dir() else winner
        write_whole(settings_file, set_default_base(settings_file, name))
        said = f"{settings_file}: [base] model = {name}"
    if not as_json:
        ERR.print(escape(t(said)))


def required(data: Path | None) -> Path:
    """The file of items.

    Raises:
        UsageError: none is named.
    """
    if data is None:
        raise click.UsageError("--data FILE or --role NAME is needed")
    return data


def sections_of(options: dict[str, Any]) -> dict[str, Any]:
    """Settings of a comparison: a role's answers have the room and the time that they have at work."""
    given = options["max_tokens"]
    sections: dict[str, Any] = {
        "export": {"quantisation": options["quant"]},
        "evaluate": {"max_tokens": given or TOKENS},
    }
    if not options["role"]:
        return sections
    space = open_space(options["role"], here())
    form = space.role.form.generation
    asked = {"max_tokens": given or form.max_tokens, "timeout_s": form.timeout}
    runtime = space.settings.runtime.model_dump()
    return {**sections, "evaluate": asked, "runtime": {**runtime, "context": max(CONTEXT, runtime["context"])}}


def role_items(role: str) -> EvalSet:
    """A role's authored examples, asked with its long prompt."""
    space = open_space(role, here())
    told = Turn("system", space.system(space.start_program()))
    seen, _ = parted_seeds(space.role.seeds())  # a base is chosen by those that judge nothing else
    items = [replace(item, turns=(told, *item.turns)) for item in seed_items(space, seen)]
    return make_set(role, items)


def trainable_project(models: Sequence[str]) -> Path:
    """The settings file in which the winner becomes the base.

    Raises:
        InputError: one of the models cannot be trained. ModelError: one of them is not here. SettingsError: there is no project.
    """
    for name in models:
        if name.startswith(("http:", "https:")):
            raise InputError(
                f"--use: {name} cannot be trained", remedy="name folders, hub ids, .gguf files or ollama:NAME"
            )
        if name.startswith("ollama:") or name.endswith(".gguf"):
            gguf_config(resolve_base(name))
    return find_project(here()) / SETTINGS_FILE


def print_models(
    found: dict[str, dict[str, object]], failed: dict[str, str], constraints: Constraints, winner: str
) -> None:
    """A row for every model; under it what it does not meet."""
    table = Table(box=None, header_style="bold")
    for heading in COLUMNS:
        table.add_column(t(heading), justify="left" if heading in {"model", ""} else "right")
    for name, row in sorted(found.items(), key=lambda pair: -float(str(pair[1]["avg_score"]))):
        unmet = "; ".join(constraints.unmet(row))
        table.add_row(
            f"[bold]{escape(name)}[/]" if name == winner else escape(name),
            *("–" if row[c] is None else str(row[c]) for c in FIGURES),
            f"[green]{t('wins')}[/]" if name == winner else escape(t(unmet)),
        )
    OUT.print(table)
    for name, why in failed.items():
        OUT.print(f"[red]{escape(name)}: {escape(t(why))}[/]", soft_wrap=True)
