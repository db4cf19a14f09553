"""`learn`, `score-turn`: commands on plain files, without a database."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

import click

from afina.cli.options import here, resume_option
from afina.cli.pages import learn_pages
from afina.cli.terminal import OUT, print_report, stages
from afina.cli.words import t
from afina.errors import InputError
from afina.files.rows import read_jsonl, read_rows
from afina.loop.learn import learn
from afina.loop.learn_chat import learn_chat
from afina.settings import Quantisation, Settings, read_train_settings
from afina.signals import score_turn
from afina.store.paths import write_json


@click.command("learn", help=t("Labelled file (task classify) or conversations (task chat) → tuned, quantised, judged model; beside it simple yardsticks and the untuned base, all on held-out rows. No database."))  # fmt: skip
@click.option("--task", type=click.Choice(["classify", "chat"]), default="classify", show_default=True)
@click.option("--data", required=True, type=click.Path(path_type=Path), help=t(".csv, .tsv or .jsonl"))
@click.option("--test", type=click.Path(path_type=Path), help=t("held-out file (default: a split of --data)"))
@click.option("--text", default="text", show_default=True, help=t("column with the message"))
@click.option("--label", help=t("label columns: a comma parts fields, a plus joins columns into one label"))
@click.option("--system", default="", help=t("system prompt for conversations that bring none (task chat)"))
@click.option("--base", default="semilla", show_default=True, help=t("base model: `semilla`, a folder or a hub id"))
@click.option("--config", type=click.Path(path_type=Path), help=t("training settings, YAML or TOML"))
@click.option(
    "--minutes",
    type=click.FloatRange(min=0),
    default=10,
    show_default=True,
    help=t("training time to plan for; 0 = no limit"),
)
@click.option("--quant", default="q8_0", show_default=True, type=click.Choice(get_args(Quantisation)))
@click.option(
    "--work", type=click.Path(path_type=Path), help=t("folder for model and run (default: .afina/learn/NAME)")
)
@click.option("--json", "out", type=click.Path(path_type=Path), help=t("write the report there"))
@resume_option
def learn_command(
    task: str, data: Path, test: Path | None, text: str, label: str | None, system: str, base: str, config: Path | None, minutes: float,
    quant: str, work: Path | None, out: Path | None, resume: bool,
) -> None:  # fmt: skip
    """Learn."""
    if task == "classify" and not label:
        raise click.UsageError("the task classify needs --label")
    flags: dict[str, Any] = {"base": {"model": base}, "export": {"quantisation": quant}, "chat": {"system": system}}
    if config:
        flags["train"] = read_train_settings(config).model_dump()
    settings = Settings.model_validate(flags)
    folder = work or here() / ".afina" / "learn" / data.stem
    told = stages().narrator
    if task == "chat":
        report = learn_chat(data, settings, told, folder=folder, test=test, minutes=minutes, resume=resume)
    else:
        report = learn(
            data, settings, told, text=text, label=label or "", folder=folder, test=test, minutes=minutes, resume=resume
        )
    if out:
        write_json(out, report)
    print_report(report)
    OUT.print(f"→ {folder / 'report.json'}, {learn_pages(folder, report['tasks'][0]['dataset'])}")


@click.command("score-turn", help=t("What the next message says about an answer: JSONL with user, bot and next → quality 1–5, success, category and the rules that decided. - reads standard input."))  # fmt: skip
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
def score_turn_command(file: Path) -> None:
    """Score."""
    for row in read_jsonl(Path("/dev/stdin")) if str(file) == "-" else read_rows(file):
        missing = [name for name in ("user", "bot", "next") if not isinstance(row.values.get(name), str)]
        if missing:
            raise InputError(f"{file}, line {row.line}: no text {', '.join(missing)}")
        score = score_turn(row.values["user"], row.values["bot"], row.values["next"])
        click.echo(json.dumps(asdict(score), ensure_ascii=False))
