"""`base build`, `base pull`."""

from pathlib import Path

import click

from afina.bases import check_folder
from afina.bases.pull import licence, pull_folder, pull_hub
from afina.bases.semilla.pretrain import Recipe, pretrain
from afina.cli.terminal import OUT, stages
from afina.texts import t


@click.group("base", help=t("Base models: build the built-in one from scratch, or pull one from a hub."))
def base_command() -> None:
    """Group."""


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
        "Fetch a model: safetensors, configuration and tokenizer only. An interrupted pull goes on where it stopped. --from takes a folder laid out like a hub."
    ),
)
@click.argument("model")
@click.option("--from", "source", type=click.Path(path_type=Path), help=t("folder with ORGANISATION/NAME inside"))
def pull_command(model: str, source: Path | None) -> None:
    """Pull."""
    told = stages()
    with told.stage("pull") as stage:
        if source is not None:
            folder = pull_folder(model, source, check=check_folder, say=stage.tell)
        elif Path(model).is_dir():
            folder = Path(model)
        else:
            folder = pull_hub(model)
        check_folder(folder)
        stage.note = f"{t('licence')}: {licence(folder) or t('not stated: ask its makers')}"
    OUT.print(str(folder))
