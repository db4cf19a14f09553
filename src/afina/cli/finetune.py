"""`finetune`: hand a fine-tuning over, here or to the service that the settings name, and ask how it stands."""

import click

from afina.cli.options import here, json_option
from afina.cli.terminal import OUT, escape, print_json
from afina.flows.finetune import Standing, Wish, told
from afina.texts import t
from afina.wiring import open_project
from afina.wiring.provider import provider_of


@click.group(
    "finetune",
    help=t(
        "Queue a fine-tuning with its export, and ask how it stands; `afina worker` or `afina loop` does it. [provider] may name a hosted service."
    ),
)
def finetune_command() -> None:
    """The group."""


@finetune_command.command(
    "start", help=t("Queue a fine-tuning on the newest dataset, or on another; what cannot work is refused now.")
)
@click.option("--base", default="", help=t("base model (default: the setting's)"))
@click.option(
    "--dataset",
    default="",
    help=t("id of a frozen dataset, or a file that /dataset/export wrote (default: the newest)"),
)
@click.option("--notes", default="", help=t("kept with the run"))
@json_option
def start_command(base: str, dataset: str, notes: str, as_json: bool) -> None:
    """Start."""
    project = open_project(here(), flags={"base": {"model": base}} if base else None)
    show(provider_of(project).start(Wish(base=base, dataset=dataset, notes=notes)), as_json=as_json)


@finetune_command.command("status", help=t("How a fine-tuning stands, and which version came of it."))
@click.argument("identity", metavar="ID")
@json_option
def status_command(identity: str, as_json: bool) -> None:
    """Status."""
    show(provider_of(open_project(here())).standing(identity), as_json=as_json)


def show(found: Standing, *, as_json: bool) -> None:
    """Print."""
    if as_json:
        print_json(told(found))
        return
    said = f"{found.id}  {t(found.status)}  {found.base}  {found.dataset}  {found.model or ''}"
    OUT.print(escape(said.rstrip()), soft_wrap=True)
    if found.error:
        OUT.print(escape(found.error), soft_wrap=True)
