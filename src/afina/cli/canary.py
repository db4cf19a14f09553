"""`canary`: how a canary is doing, and what a file of events says of one."""

from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

import click
from pydantic import ValidationError
from rich.table import Table

from afina.cli.options import VerdictCommand, here, json_option, verdict_exit
from afina.cli.terminal import ERR, OUT, escape, print_json
from afina.errors import SettingsError, first_problem
from afina.flows.canary_file import Replay, replay_file
from afina.flows.rollouts import CanaryView, look_at_canary
from afina.release.canary import UNHEALTHY, Look, Reading
from afina.release.decide import figures, margin_words, missing
from afina.settings import CanaryMeasure, ReleaseSettings
from afina.texts import t
from afina.wiring import open_project

WORDS = (
    "running", "paused", "unhealthy", "guardrail failing", "ready", "stuck", "reverted", "promote", "roll back", "step", "wait", "worse", "proven",
    "measure", "production", "difference", "margin", "harm", "proof", "errors", "latency", "feedback", "implicit", "csat", "recontact", "cost",
)  # fmt: skip
"""Texts that are put together where they are shown."""
COLOURS = {"promote": "green", "step": "green", "wait": "yellow", "roll_back": "red"}


@click.group(
    "canary",
    help=t(
        "A canary's traffic against production's: tests that may be looked at as often as one likes. `afina release --settle` acts on it; `replay` reads a file."
    ),
)
def canary_command() -> None:
    """The group."""


@canary_command.command("show", help=t("How the task's canary is doing, measure by measure. Changes nothing."))
@json_option
def show_command(as_json: bool) -> None:
    """Show."""
    project = open_project(here())
    view = look_at_canary(project)
    if as_json:
        print_json(view_json(view))
        return
    name = project.ledger.version(view.canary.model_version).name
    decision = view.decision
    OUT.print(
        f"{name}: [bold {COLOURS[decision.action]}]{t(decision.status.value)}[/] {view.moment.share:.0%}  {escape(t(decision.because))}",
        soft_wrap=True,
    )
    print_readings(view.look)


@canary_command.command(
    "replay",
    cls=VerdictCommand,
    help=t(
        "What the test says of a file of events, as if it had been looked at after each: JSONL or CSV with user, arm (canary or production) and any of ok, latency_ms, feedback, quality (1-5), rating (1-5), recontact, cost; share where it changed. Exit code 0 promote, 1 roll back, 2 cannot tell yet, 65 an error."
    ),
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--share",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help=t("the canary's share of the users, where the lines do not say it"),
)
@click.option("--alpha", type=float, help=t("largest accepted chance of each error (default 0.05)"))
@click.option(
    "--guardrail",
    "guardrails",
    multiple=True,
    metavar="NAME=MARGIN",
    help=t("measure and margin, again for each (default: those of the settings that the file has)"),
)
@json_option
def replay_command(
    file: Path, share: float | None, alpha: float | None, guardrails: tuple[str, ...], as_json: bool
) -> None:
    """Replay."""
    with verdict_exit():
        rules = rules_of(alpha, guardrails)
        done = replay_file(file, rules, share=share)
    if as_json:
        print_json(replay_json(done, rules))
    else:
        print_replay(done)
    raise SystemExit({"promote": 0, "roll_back": 1, "wait": 2}[done.action])


def rules_of(alpha: float | None, guardrails: tuple[str, ...]) -> ReleaseSettings:
    """The settings' rules with what was given.

    Raises:
        SettingsError: a guardrail or alpha that cannot be.
    """
    given: dict[str, Any] = {"alpha": alpha} if alpha is not None else {}
    if guardrails:
        given["guardrails"] = {name: margin for name, _, margin in (one.partition("=") for one in guardrails)}
        given["signals"] = {}
    try:
        return ReleaseSettings.model_validate(given)
    except ValidationError as exc:
        key, reason = first_problem(exc.errors())
        raise SettingsError(
            f"{key}: {reason}", remedy=f"e.g. --guardrail errors=0.02; there are {', '.join(get_args(CanaryMeasure))}"
        ) from exc


def print_replay(done: Replay) -> None:
    """The decision, why, and every measure."""
    found = done.found
    worst = next((one for one in found.readings if one.measure == found.worst), None)
    said = {
        "roll_back": t(f"worse on {figures(worst)}") if worst else "",
        "promote": t("surely not worse than any margin"),
        "wait": t(missing(found)),
    }[done.action]
    at = t(f"at line {done.line}") if done.line is not None else t(f"after {len(done.lines):,} lines")
    OUT.print(
        f"[bold {COLOURS[done.action]}]{t(done.action.replace('_', ' '))}[/] {at}: {escape(said)}", soft_wrap=True
    )
    print_readings(found)
    for notice in notices_of(done):
        ERR.print(f"{t('note')}: {escape(t(notice))}", soft_wrap=True)


def notices_of(done: Replay) -> list[str]:
    """What is odd about the file."""
    said = []
    if done.guessed:
        said.append(
            f"no share is said: {done.shares[0]:.3f} of the users met the canary, which is taken for it; --share says it exactly"
        )
    if done.moved_back:
        said.append(
            f"{done.moved_back:,} events of users who had met the canary before went to production: the draw was not sticky"
        )
    if done.found.mismatch >= UNHEALTHY:
        said.append("far more or fewer users met the canary than its share says: the comparison cannot be trusted")
    if done.backwards:
        said.append(f"{done.backwards:,} times are before the one above: the order of the lines counts")
    return said


def print_readings(found: Look) -> None:
    """A row for every measure."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("measure", "canary", "production", "difference", "margin", "harm", "proof", ""):
        table.add_column(t(name) if name else "", justify="left" if name in {"measure", ""} else "right")
    for one in found.readings:
        table.add_row(*cells(one))
    OUT.print(table)
    if found.silent:
        OUT.print(t(f"nothing was seen of {', '.join(found.silent)}"))


def cells(one: Reading) -> list[str]:
    """Figures of a measure: shares of harmed users with their number, the interval of the difference, odds against each question."""
    state = "worse" if one.worse else "proven" if not one.needed else f"{one.needed:,} more"
    return [
        t(one.measure) + ("" if one.role == "guardrail" else f" ({t('signal')})"),
        f"{one.canary:.1%} ({one.canary_users:,})",
        f"{one.production:.1%} ({one.production_users:,})",
        f"{100 * one.low:+.1f}…{100 * one.high:+.1f}",
        margin_words(one.measure, one.margin),
        odds(one.harm),
        odds(one.proof),
        t(state),
    ]


def odds(wealth: float) -> str:
    """A wealth that people can read."""
    return f"{wealth:.3g}" if wealth < 1e4 else f"{wealth:.0e}"


def look_json(found: Look) -> dict[str, Any]:
    """For scripts."""
    return {
        "users": {"canary": found.canary_users, "production": found.production_users},
        "worst": found.worst,
        "unproven": list(found.unproven),
        "silent": list(found.silent),
        "signals": list(found.signals),
        "mismatch": found.mismatch,
        "readings": [asdict(one) for one in found.readings],
    }


def view_json(view: CanaryView) -> dict[str, Any]:
    """For scripts."""
    decision = view.decision
    return {
        "action": decision.action,
        "status": decision.status.value,
        "reason": decision.because,
        "share": view.moment.share,
        "started": view.moment.started.isoformat(),
        **look_json(view.look),
    }


def replay_json(done: Replay, rules: ReleaseSettings) -> dict[str, Any]:
    """For scripts."""
    return {
        "action": done.action,
        "line": done.line,
        "event": done.event + 1 if done.event is not None else None,
        "events": len(done.lines),
        "alpha": rules.alpha,
        "guardrails": dict(rules.guardrails),
        "shares": list(done.shares),
        "share_guessed": done.guessed,
        "moved_back": done.moved_back,
        "backwards": done.backwards,
        **look_json(done.found),
    }
