"""`release`, `rollback`."""

import getpass
import os

import click

from afina.cli.canary import view_json
from afina.cli.options import here, json_option
from afina.cli.terminal import OUT, escape, print_json
from afina.flows.rollouts import history, promote_by_hand, release_direct, settle_canary, start_canary, withdraw
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
@click.option("--promote", is_flag=True, help=t("promote the canary whatever its traffic says; needs --reason"))
@click.option("--reason", default="", help=t("kept in the audit record"))
@click.option("--force", is_flag=True, help=t("without a go; this is recorded"))
@click.option("--history", "show_history", is_flag=True, help=t("print the audit record"))
@json_option
def release_command(
    version: str | None,
    reason: str,
    *,
    show_history: bool,
    as_json: bool,
    **how: bool,
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
    if how["settle"]:
        view = settle_canary(project, actor=who())
        OUT.print(t(f"{view.decision.action}: {view.decision.because}"), soft_wrap=True) if not as_json else print_json(
            view_json(view)
        )
        return
    if how["promote"]:
        if not reason.strip():
            raise click.UsageError("--promote needs --reason: who reads the audit record wants to know why")
        rollout = promote_by_hand(project, actor=who(), reason=reason)
        found = project.ledger.version(rollout.model_version)
        OUT.print(f"{found.name}: production")
        return
    found = project.ledger.version(version)
    if how["direct"]:
        rollout = release_direct(project, found, actor=who(), reason=reason or "released by hand")
    else:
        rollout = start_canary(project, found, actor=who(), force=how["force"])
    if as_json:
        print_json({"rollout": rollout.id, "state": rollout.state, "share": rollout.share, "version": found.name})
    else:
        OUT.print(f"{found.name}: {rollout.state.value} {rollout.share:.0%}")


@click.command(
    "rollback", help=t("Withdraw the canary; with --production, where there is none, go back to the version before.")
)
@click.option("--production", is_flag=True, help=t("there is no canary: take back what is in production"))
@click.option("--reason", default="by hand", show_default=True, help=t("kept in the audit record"))
def rollback_command(production: bool, reason: str) -> None:
    """Roll back."""
    project = open_project(here())
    withdrawn, restored = withdraw(project, actor=who(), reason=reason, production=production)
    OUT.print(f"{project.ledger.version(withdrawn.model_version).name}: rolled back")
    if restored is not None:
        OUT.print(f"{project.ledger.version(restored.model_version).name}: production")
