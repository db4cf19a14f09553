"""`loop`: the wheel that turns by itself."""

import logging
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import httpx

from afina.cli.options import here, json_option
from afina.cli.terminal import ERR, OUT, escape, print_json, stages
from afina.flows.project import Project
from afina.flows.rollouts import Clock
from afina.jobs import run_loop
from afina.loop import diary
from afina.loop.diary import Happened
from afina.loop.entries import cron_entry, systemd_units
from afina.loop.policy import choose
from afina.loop.report import as_json as report_json
from afina.loop.report import markdown, report_of
from afina.loop.turn import ACTS, situation_of, until_idle
from afina.progress import Stages
from afina.store.paths import write_whole
from afina.texts import t
from afina.web.loop import write_loop_page
from afina.wiring import open_project

WORDS = (
    "done", "failed", "skipped", "skip", "settle", "curate", "freeze", "train", "resume", "export", "evaluate", "release", "archived", "rolled_back",
    "candidate", "new", "watch", "model", "variant", "answers", "users", "p95 ms", "decided", "accepted", "quality",
)  # fmt: skip
"""Texts that are put together where they are shown."""
COLOURS = {"done": "green", "failed": "red", "skipped": "dim"}


@click.group(
    "loop",
    invoke_without_command=True,
    help=t(
        "Curate daily, train when there is enough that is new, judge, canary, promote or roll back: for ever, with its reasons. Without a subcommand it stays and works through a queue; --once does what is due and ends, for cron."
    ),
)
@click.option("--once", is_flag=True, help=t("do what is due now, then end"))
@click.option(
    "--every", type=click.FloatRange(min=0.1), default=10.0, show_default=True, help=t("minutes between two looks")
)
@json_option
@click.pass_context
def loop_command(context: click.Context, once: bool, every: float, as_json: bool) -> None:
    """The group."""
    if context.invoked_subcommand is not None:
        return
    project = open_project(here())
    if once:
        run_once(project, as_json=as_json)
        return
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    OUT.print(t(f"looking every {every:g} minutes; Ctrl-C ends it, and nothing is lost"))
    run_loop(project.dsn, client=project.client, folder=project.paths.project, every_s=60 * every)


def run_once(project: Project, *, as_json: bool) -> None:
    """Everything that is due."""
    done = until_idle(project, stages(as_json=as_json), acts={**ACTS, "report": report_step})
    if as_json:
        print_json([asdict(one) for one in done or []])
    elif done is None:
        OUT.print(t("another loop is at work on this task"))
    for one in done or []:
        if one.numbers.get("alarm"):
            post_alarm(project.settings.serve.alert_webhook, one.because)
        if not as_json:
            print_happened(one)


def post_alarm(webhook: str, why: str) -> None:
    """To the webhook that the gateway's alerts go to, if there is one; one that does not answer is no reason to stop."""
    if not webhook:
        return
    try:
        httpx.post(
            webhook, json={"source": "afina", "alert": "decisions", "state": "firing", "text": why}, timeout=10.0
        )
    except httpx.HTTPError as exc:
        ERR.print(f"{t('note')}: {t('the webhook did not take it')}: {type(exc).__name__}")


def report_step(project: Project, _: Stages, clock: Clock) -> dict[str, Any]:
    """The report as a step of the loop."""
    page = write_report(project, clock(), project.settings.loop.report_every_days, None)
    return {"page": str(page.relative_to(project.paths.project))}


def write_report(project: Project, until: datetime, days: float, out: Path | None) -> Path:
    """HTML and Markdown side by side. Returns the page's path."""
    report = report_of(project, until=until, days=days)
    page = out or project.paths.loop_reports / f"{until:%Y-%m-%d}.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    write_loop_page(report, page)
    write_whole(page.with_suffix(".md"), markdown(report))
    return page


def print_happened(one: Happened) -> None:
    """A line."""
    colour = COLOURS.get(one.outcome, "dim")
    OUT.print(f"{one.at:%Y-%m-%d %H:%M}  [{colour}]{t(one.step):<9}[/] {escape(t(one.because))}", soft_wrap=True)


@loop_command.command("plan", help=t("What the loop would do now, and why. Does nothing."))
@json_option
def plan_command(as_json: bool) -> None:
    """Plan."""
    project = open_project(here())
    situation, _ = situation_of(project, datetime.now(UTC))
    chosen = choose(situation)
    print_json({**asdict(chosen), "canary": situation.standing.canary}) if as_json else OUT.print(
        f"[bold]{t(chosen.step)}[/]: {escape(t(chosen.because))}", soft_wrap=True
    )


@loop_command.command("log", help=t("What the loop did and why, the newest last."))
@click.option("--last", "limit", type=click.IntRange(min=1), default=20, show_default=True, help=t("lines"))
@json_option
def log_command(limit: int, as_json: bool) -> None:
    """Log."""
    project = open_project(here())
    with project.session() as session:
        rows = diary.read(session, task=project.task.name, limit=limit)[::-1]
    if as_json:
        print_json([asdict(row) for row in rows])
    for row in [] if as_json else rows:
        print_happened(row)


@loop_command.command(
    "report",
    help=t(
        "Traffic, decisions, steps and every measure over the generations: a page, and the same as Markdown beside it."
    ),
)
@click.option(
    "--days", type=click.FloatRange(min=0, min_open=True), default=14.0, show_default=True, help=t("how far back")
)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help=t("the page (default: .afina/reports/DATE.html)")
)
@json_option
def report_command(days: float, out: Path | None, as_json: bool) -> None:
    """Report."""
    project = open_project(here())
    if as_json:
        print_json(report_json(report_of(project, until=datetime.now(UTC), days=days)))
        return
    OUT.print(f"→ {write_report(project, datetime.now(UTC), days, out)}", soft_wrap=True)


@loop_command.command(
    "entry", help=t("Print an entry for cron or systemd that runs the loop without a process that stays.")
)
@click.argument("kind", type=click.Choice(["cron", "systemd"]))
def entry_command(kind: str) -> None:
    """Entry."""
    folder = open_project(here()).paths.project.resolve()
    click.echo((cron_entry if kind == "cron" else systemd_units)(sys.executable, folder), nl=False)
