"""`base build`, `base pull`."""

from pathlib import Path

import click
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

from afina.bases import check_folder
from afina.bases.semilla.pretrain import Recipe, pretrain
from afina.cli.terminal import OUT, stages
from afina.cli.words import t
from afina.errors import ModelError

WANTED = ["*.safetensors", "*.safetensors.index.json", "*.json", "*.jinja", "tokenizer.model", "*.txt", "LICENSE*"]


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
    with told.stage("pretrain"):
        card = pretrain(
            Recipe(steps=steps, seed=seed), out=out,
            on_step=lambda step, total, loss: told.narrator.progress(step, total, f"loss {loss:.3f}"),
        )  # fmt: skip
        told.note = f"perplexity {card['held_out_perplexity']}, {card['tokens_seen']} tokens → {out}"


@base_command.command(
    "pull",
    help=t(
        "Fetch a model from the hub (safetensors, config, tokenizer only). An interrupted pull goes on where it stopped."
    ),
)
@click.argument("model")
def pull_command(model: str) -> None:
    """Pull."""
    if Path(model).is_dir():
        check_folder(Path(model))
        OUT.print(f"{model}: {t('a local folder needs no pull')}")
        return
    try:
        folder = snapshot_download(model, allow_patterns=WANTED)
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as exc:
        reason = str(exc).strip().splitlines()[0] if str(exc).strip() else type(exc).__name__
        raise ModelError(
            f"{model} could not be fetched: {reason}",
            remedy="check name and network, or copy the model's folder here and name the folder instead",
        ) from exc
    check_folder(Path(folder))
    OUT.print(str(folder))
