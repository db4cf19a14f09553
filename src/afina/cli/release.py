"""`release`, `rollback`."""

import getpass
import os

import click

from afina.cli.options import here, json_option
from afina.cli.terminal import OUT, escape, print_json
from afina.flows.rollouts import history, release_direct, settle_canary, start_canary, withdraw
from afina.texts import t
from afina.wiring import open_project


def who() -> str:
    """The person at the keyboard, for the audit record."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.geteuid())


@click.command(
    "release",
    help=t(
        "Start a canary with a version that got a go; --settle promotes it or rolls it back as its traffic says; --direct puts a version into production at once."
    ),
)
@click.argument("version", required=False)
@click.option("--settle", is_flag=True, help=t("decide about the running canary"))
@click.option("--direct", is_flag=True, help=t("no canary: the first version of a task"))
@click.option("--force", is_flag=True, help=t("without a go; this is recorded"))
@click.option("--history", "show_history", is_flag=True, help=t("print the audit record"))
@json_option
def release_command(
    version: str | None, settle: bool, direct: bool, force: bool, show_history: bool, as_json: bool
) -> None:
    """Release."""
    project = open_project(here())
    if show_history:
        rows = history(project)
        if as_json:
            print_json(rows)
        for row in [] if as_json else rows:
            OUT.print(
                f"{row['created_at']:%Y-%m-%d %H:%M:%S}  {row['name']}  {row['from_state'] or '·'} → {row['to_state']}  {row['actor']}: {escape(t(row['reason']))}",
                soft_wrap=True,
            )
        return
    if settle:
        decision, evidence = settle_canary(project, actor=who())
        print_json({"action": decision.action, "reason": decision.reason, **evidence}) if as_json else OUT.print(
            f"{decision.action}: {decision.reason}"
        )
        return
    found = project.ledger.version(version)
    if direct:
        rollout = release_direct(project, found, actor=who(), reason="released by hand")
    else:
        rollout = start_canary(project, found, actor=who(), force=force)
    if as_json:
        print_json({"rollout": rollout.id, "state": rollout.state, "share": rollout.share, "version": found.name})
    else:
        OUT.print(f"{found.name}: {rollout.state.value} {rollout.share:.0%}")


@click.command(
    "rollback", help=t("Withdraw the canary or, without one, go back from production to the version before.")
)
@click.option("--reason", default="by hand", show_default=True, help=t("kept in the audit record"))
def rollback_command(reason: str) -> None:
    """Roll back."""
    project = open_project(here())
    withdrawn, restored = withdraw(project, actor=who(), reason=reason)
    OUT.print(f"{project.ledger.version(withdrawn.model_version).name}: rolled back")
    if restored is not None:
        OUT.print(f"{project.ledger.version(restored.model_version).name}: production")
