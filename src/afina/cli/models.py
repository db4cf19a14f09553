"""`models`: the registry."""

from typing import Any

import click

from afina.cli.options import here, json_option
from afina.cli.terminal import OUT, escape, print_json
from afina.export import list_versions
from afina.flows.registry import version_sheet
from afina.texts import t
from afina.wiring import open_project


@click.group(
    "models",
    invoke_without_command=True,
    help=t("Model versions, newest first; `show NAME` tells all that is known of one."),
)
@json_option
@click.pass_context
def models_command(context: click.Context, as_json: bool) -> None:
    """List."""
    if context.invoked_subcommand is not None:
        return
    with open_project(here()).session() as session:
        versions = list_versions(session)
    if as_json:
        print_json(versions)
        return
    for v in versions:
        state = f"{v['state']} {v['share']:.0%}" if v["state"] else "–"
        OUT.print(f"{v['name']:<32} {v['quantisation']:<6} {state:<18} {v['gguf']}")


@models_command.command(
    "show",
    help=t("What a version was made of, how it was judged, where it was put. Without a name the newest tuned one."),
)
@click.argument("name", required=False)
@json_option
def show_command(name: str | None, as_json: bool) -> None:
    """Show."""
    project = open_project(here())
    sheet = version_sheet(project, project.ledger.version(name))
    if as_json:
        print_json(sheet)
        return
    for label, shown in lines_of(sheet):
        OUT.print(f"{t(label):<14} {escape(shown)}", soft_wrap=True)
    for row in sheet["rollouts"]:
        moved = f"{t(row['from_state'] or 'new')} → {t(row['to_state'])}"
        OUT.print(
            f"{'':<14} {row['created_at'][:16]}  {moved}  {row['actor']}: {escape(t(row['reason']))}", soft_wrap=True
        )
    OUT.print(f"[dim]{t('where it came from: `afina why {name}`').format(name=sheet['name'])}[/]", soft_wrap=True)


def lines_of(sheet: dict[str, Any]) -> list[tuple[str, str]]:
    """Labels and texts of the page."""
    file, dataset, run, verdict = (sheet[part] for part in ("file", "dataset", "run", "verdict"))
    size = f"{file['bytes'] / 1e6:.1f} MB" if file["bytes"] is not None else t("the file is gone")
    found = [
        ("version", f"{sheet['name']}  {sheet['id']}"),
        ("base", sheet["base"]),
        ("file", f"{file['path']}  {file['quantisation']}  {size}"),
    ]
    if sheet["must_rebuild"]:
        found.append(("must rebuild", t(sheet["must_rebuild"])))
    if dataset:
        rows = ", ".join(f"{dataset[part]:,} {t(part)}" for part in ("train", "validation", "test"))
        found.append(("dataset", f"{dataset['id']}  {rows}"))
    if run:
        rank, rate = run["lora"].get("r"), run["training"].get("learning_rate")
        steps = run["result"].get("steps", "–")
        found.append(
            ("run", f"{run['id']}  r {rank}, {t('rate')} {rate}, {steps} {t('steps')}  {run['notes']}".rstrip())
        )
        if run["start"]:
            found.append(("started from", run["start"]))
    if verdict:
        found.append(("verdict", f"{t(verdict['outcome'])}: {t(verdict['because'])}"))
        found += [("", t(reason)) for reason in verdict["reasons"] if reason != verdict["because"]]
    return found
