"""`export`: on the project, or file to file."""

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import click

from afina.bases import resolve_base
from afina.cli.options import here, json_option
from afina.cli.terminal import print_json, stages
from afina.export.deliver import deliver
from afina.export.export import Target
from afina.export.merge import Trained
from afina.flows.base_file import served_type
from afina.flows.export import export_run
from afina.ids import RunId, base_name
from afina.settings import Form, Quantisation, Settings
from afina.texts import t
from afina.wiring import open_project


@click.command(
    "export",
    help=t(
        "The newest finished run as a GGUF with its Modelfile, checked to answer like the model. With --model and --out: file to file."
    ),
)
@click.option("--model", help=t("base for file to file"))
@click.option("--adapter", type=click.Path(path_type=Path), help=t("adapter folder; without, the base alone"))
@click.option("--quant", type=click.Choice(get_args(Quantisation)), help=t("quantisation (default: the setting's)"))
@click.option(
    "--form",
    type=click.Choice(get_args(Form)),
    help=t("of a GGUF base: the adapter beside it, or merged into a copy of it (default: the setting's)"),
)
@click.option("--run", "run", help=t("this finished run instead of the newest"))
@click.option("--out", type=click.Path(path_type=Path), help=t("path of the .gguf, or a folder for it"))
@json_option
def export_command(
    model: str | None,
    adapter: Path | None,
    quant: str | None,
    form: Form | None,
    run: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Export."""
    if model or out or adapter:
        if not (model and out):
            raise click.UsageError("file to file needs --model and --out")
        card = export_files(Wanted(model, adapter, out, quant, form), as_json=as_json)
        if as_json:
            print_json(card)
        return
    project = open_project(here())
    version = export_run(project, stages(as_json), run=RunId(run) if run else None, quantisation=quant, form=form)
    if as_json:
        print_json({"version": version.id, "name": version.name, "gguf": version.gguf, "card": version.card})


@dataclass(frozen=True, slots=True)
class Wanted:
    """What file to file is asked for; None = the setting's."""

    model: str
    adapter: Path | None
    out: Path
    quant: str | None
    form: Form | None


def export_files(wanted: Wanted, *, as_json: bool) -> dict[str, object]:
    """A base with an adapter on it → a GGUF. Returns its card."""
    settings, out = Settings(), wanted.out
    base = resolve_base(wanted.model)
    quantisation = served_type(base, wanted.quant or settings.export.quantisation)
    if out.is_dir():
        out = out / f"{base_name(wanted.model)}-{quantisation}.gguf"
    target = Target(quantisation=quantisation, name=out.stem, form=wanted.form or settings.export.form)
    with stages(as_json).stage("export") as stage:
        exported = deliver(Trained(base, wanted.adapter), out, settings.runtime, target, tell=stage.tell)
        stage.note = str(exported.gguf)
    return exported.card
