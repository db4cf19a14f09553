"""`synth`: a model writes answers to concepts; the good ones become examples."""

from pathlib import Path
from typing import Any

import click

from afina.cli.options import here, json_option
from afina.cli.role_options import inputs_option, seed_option
from afina.cli.terminal import OUT, escape, print_json, stages
from afina.flows.concepts import questions_from, read_concepts, read_inputs, upstream_files
from afina.flows.role_model import open_model
from afina.flows.role_space import current_model, open_space
from afina.flows.synth import (
    SynthOptions,
    Writer,
    kept_of,
    write_candidates,
    write_chat_dataset,
    write_examples,
    write_training,
)
from afina.synth.candidates import MIN_SCORE, reasons_of
from afina.synth.program import read_program
from afina.texts import t

FILE = click.Path(path_type=Path)


@click.command(
    "synth",
    epilog="afina synth ba --concepts concepts.jsonl --model smollm2 --min-examples 100",
    help=t(
        "Examples for a role that nobody wrote: each concept is answered by a model, judged by the role's checks, and kept or refused with a reason; what is refused is asked again. Writes all candidates, the examples, and a chat dataset (train and validation). Exit code 1 and what helps when too few were good."
    ),
)
@click.argument("role", default="ba")
@click.option("--concepts", "file", type=FILE, help=t("made by `afina concepts`, or rows with `text`"))
@inputs_option
@click.option("--program", type=FILE, help=t("made by `afina tune-prompt` (default: the role's)"))
@click.option(
    "--model",
    default="",
    help=t("who writes: .gguf, folder, smollm2, ollama:NAME, http://…/v1#model (default: who answers for the role)"),
)
@click.option(
    "--min-score",
    default=MIN_SCORE,
    show_default=True,
    type=click.FloatRange(0, 1),
    help=t("lowest score that is kept"),
)
@click.option(
    "--min-examples",
    default=100,
    show_default=True,
    type=click.IntRange(1),
    help=t("fewest examples; with fewer it fails and says what helps"),
)
@click.option(
    "--rounds",
    default=3,
    show_default=True,
    type=click.IntRange(1, 20),
    help=t("how often a concept is asked whose answer was refused"),
)
@click.option(
    "--split",
    default=0.8,
    show_default=True,
    type=click.FloatRange(0.1, 1),
    help=t("share of the chat dataset that is its training part"),
)
@seed_option
@click.option("--output", type=FILE, help=t("folder (default: .afina/roles/ROLE/synthetic)"))
@json_option
def synth_command(role: str, file: Path, output: Path | None, as_json: bool, **options: Any) -> None:
    """Write examples."""
    space, source, program = current_model(open_space(role, here()), options["model"])
    if file:
        concepts = read_concepts(file)
    elif space.role.form.reads:
        concepts = questions_from(space, {**upstream_files(space), **dict(map(read_inputs, options["inputs"]))})
    else:
        raise click.UsageError("--concepts FILE is needed: `afina concepts` makes one")
    if options["program"]:
        program = read_program(options["program"], role=role)
    folder = output or space.folder / "synthetic"
    asked = SynthOptions(
        least=options["min_examples"], min_score=options["min_score"], rounds=options["rounds"], seed=options["seed"]
    )
    with stages(as_json).stage("synth") as stage:
        with open_model(source, space.settings, space.folder, kept="answers.jsonl") as model:
            candidates = write_examples(Writer(space=space, model=model, program=program), concepts, asked, stage.tell)
        write_candidates(folder / "candidates.jsonl", candidates)
        kept = kept_of(candidates, asked)
        stage.note = f"{len(kept)} kept of {len(candidates)}"
    write_training(folder / "examples.jsonl", kept, space.role.trained_in)
    sizes = write_chat_dataset(folder / "chat", space.role, kept, split=options["split"])
    refused = reasons_of(candidates)
    if as_json:
        told = {"kept": len(kept), "candidates": len(candidates), "refused": refused, **sizes, "folder": str(folder)}
        print_json(told)
        return
    for reason, number in refused.items():
        OUT.print(t(f"refused: {number} {reason}"))
    OUT.print(f"→ {escape(str(folder))}", soft_wrap=True)
