"""`status`."""

from collections.abc import Iterator
from typing import Any

import click

from afina.capture import count_interactions
from afina.cli.options import here, json_option
from afina.cli.terminal import OUT, print_json
from afina.errors import StoreError
from afina.export import list_versions
from afina.freeze import newest_dataset
from afina.loop.policy import next_step
from afina.loop.standing import standing_of
from afina.serve import read_live
from afina.serve.shares import Shares, read_shares
from afina.texts import t
from afina.wiring import open_project


@click.command("status", help=t("Messages, reviews, the newest dataset, versions, what is live, and what comes next."))
@json_option
def status_command(as_json: bool) -> None:
    """Show."""
    project = open_project(here())
    with project.session() as session:
        counts = count_interactions(session, task=project.task.name)
        live = read_live(session)
        shares = read_shares(session, task=project.task.name, upstreams=project.settings.upstream.values())
        versions = list_versions(session)
        try:
            dataset: str | None = newest_dataset(session, task=project.task.name)
        except StoreError:
            dataset = None
    step = next_step(standing_of(project))
    value: dict[str, Any] = {
        "project": str(project.paths.project),
        "client": project.client,
        "task": project.task.name,
        "kind": project.task.kind.name,
        **counts,
        "dataset": dataset,
        "versions": len(versions),
        "live": [{"name": v.name, "canary": v.canary, "share": v.share} for v in live],
        "answers": {
            "here": shares.here,
            "elsewhere": shares.elsewhere,
            "share_here": shares.share_here,
            "cost": shares.cost,
            "avoided": shares.avoided,
        },
        "next": step.command,
        "because": step.because,
    }
    if as_json:
        print_json(value)
        return
    for name, shown in value.items():
        if name not in {"live", "answers", "next", "because"}:
            OUT.print(f"{t(name):<22} {shown if shown is not None else '–'}")
    for v in live:
        OUT.print(f"{t('canary') if v.canary else t('production'):<22} {v.name}  {v.share:.0%}")
    for name, shown in shown_shares(shares):
        OUT.print(f"{name:<22} {shown}")
    OUT.print(f"{t('next'):<22} [bold]{step.command}[/]  {t(step.because)}", soft_wrap=True)


def shown_shares(shares: Shares) -> Iterator[tuple[str, str]]:
    """Who answered and what it cost, where anybody did."""
    if shares.share_here is not None:
        yield t("answered here"), f"{shares.share_here:.0%}  ({shares.here:,} / {shares.here + shares.elsewhere:,})"
    if shares.cost is not None:
        yield t("cost of upstreams"), f"{shares.cost:,.4f}"
    if shares.avoided is not None:
        yield t("cost avoided"), f"{shares.avoided:,.4f}"
