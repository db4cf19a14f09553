"""`learn`, `verdict`: commands on plain files, without a database."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

import click

from afina.capture.rows import read_jsonl, read_rows
from afina.cli.options import here, json_option, resume_option
from afina.cli.terminal import OUT, print_json, print_report, stages
from afina.cli.words import t
from afina.errors import InputError
from afina.loop.learn import learn
from afina.loop.learn_chat import learn_chat
from afina.release.verdict import difference_interval, mcnemar
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
    OUT.print(f"→ {folder / 'report.json'}")


@click.command("verdict", help=t("Two score files, rows {\"id\", \"score\"} with scores 0 or 1 on the same items: is B better than A? Exit code 3 if not."))  # fmt: skip
@click.option("--a", "a_file", required=True, type=click.Path(path_type=Path), help=t("scores of A (JSONL)"))
@click.option("--b", "b_file", required=True, type=click.Path(path_type=Path), help=t("scores of B (JSONL)"))
@click.option("--alpha", default=0.05, show_default=True, type=click.FloatRange(0, 0.5, min_open=True, max_open=True))
@json_option
def verdict_command(a_file: Path, b_file: Path, alpha: float, as_json: bool) -> None:
    """Compare."""
    a, b = read_scores(a_file), read_scores(b_file)
    if a.keys() != b.keys():
        odd = sorted(a.keys() ^ b.keys())[0]
        raise InputError(f"{a_file} and {b_file} are not about the same items: {odd!r} is in one of them only")
    pairs = [(a[key], b[key]) for key in a]
    p_value, wins, losses = mcnemar(pairs)
    low, high = difference_interval(pairs)
    value = {
        "go": p_value < alpha, "p_value": p_value, "n": len(pairs), "wins": wins, "losses": losses,
        "difference": (sum(b.values()) - sum(a.values())) / len(pairs), "low": low, "high": high,
    }  # fmt: skip
    print_json(value) if as_json else OUT.print(json.dumps(value))
    if not value["go"]:
        raise click.exceptions.Exit(3)


def read_scores(path: Path) -> dict[str, bool]:
    """Scores by item.

    Raises:
        InputError: a row without id or with another score than 0 or 1, or an id twice.
    """
    scores: dict[str, bool] = {}
    for row in read_rows(path):
        key, score = row.values.get("id"), row.values.get("score")
        if key is None or score not in {0, 1}:
            raise InputError(f'{path}, line {row.line}: expected {{"id", "score"}} with a score of 0 or 1')
        if str(key) in scores:
            raise InputError(f"{path}, line {row.line}: the id {key!r} is there twice")
        scores[str(key)] = bool(score)
    return scores


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
