"""`concepts`: what a role is asked about."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from afina.cli.options import here, json_option
from afina.cli.role_options import languages_option
from afina.cli.terminal import OUT, escape, print_json, stages
from afina.flows.concepts import new_concepts, write_concepts
from afina.flows.role_model import open_model
from afina.flows.role_space import open_space
from afina.synth.concepts import DOMAINS, Wanted, diversity
from afina.texts import t

FILE = click.Path(path_type=Path)


@click.command(
    "concepts",
    epilog="afina concepts ba --count 200 --output concepts.jsonl",
    help=t(
        "Concepts for a role: varied from its authored examples and drawn from its words, without a model; with --model a model has the ideas. No two are near copies; uniqueness, diversity and domains are measured."
    ),
)
@click.argument("role", default="ba")
@click.option(
    "--count", "--num-concepts", default=200, show_default=True, type=click.IntRange(1, 100_000), help=t("how many")
)
@languages_option
@click.option("--domains", default=",".join(DOMAINS), show_default=True, help=t("domains, with commas between"))
@click.option(
    "--model",
    default="",
    help=t("who has the ideas: .gguf, folder, smollm2, ollama:NAME, http://…/v1#model (default: nobody)"),
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help=t("another number, other concepts"))
@click.option("--output", type=FILE, help=t("write them there (default: .afina/roles/ROLE/concepts.jsonl)"))
@json_option
def concepts_command(role: str, count: int, output: Path | None, as_json: bool, **options: Any) -> None:
    """Make concepts."""
    space = open_space(role, here())
    model = options["model"]
    domains = tuple(one.strip() for one in options["domains"].split(",") if one.strip())
    wanted = Wanted(count=count, languages=options["languages"], domains=domains, seed=options["seed"])
    path = output or space.folder / "concepts.jsonl"
    with stages(as_json).stage("concepts") as stage:
        opened = open_model(model, space.settings, space.folder, kept="answers.jsonl") if model else nullcontext()
        with opened as asked:
            found, refused = new_concepts(space, wanted, asked, stage.tell)
        stage.note = f"{len(found)} concepts"
    write_concepts(path, found)
    told = diversity(found)
    if as_json:
        print_json({**told, "refused": dict(refused), "file": str(path)})
        return
    OUT.print(
        t(f"unique {told['unique']:.1%}, distinct word pairs {told['distinct_2']:.1%}, {told['domains']} domains")
    )
    for reason, number in refused.items():
        OUT.print(t(f"refused: {number} {reason}"))
    OUT.print(f"→ {escape(str(path))}", soft_wrap=True)
