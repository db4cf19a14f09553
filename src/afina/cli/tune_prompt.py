"""`tune-prompt`: the instructions and examples with which a model answers best."""

from pathlib import Path
from typing import Any

import click

from afina.cli.options import here, json_option
from afina.cli.role_options import inputs_option, languages_option, optimiser_option, seed_option
from afina.cli.terminal import OUT, escape, print_json, stages
from afina.flows.concepts import questions_for, read_concepts, read_inputs
from afina.flows.optimisers import OPTIMISERS
from afina.flows.role_model import open_model
from afina.flows.role_space import open_space
from afina.flows.tune_prompt import SearchOptions, Trial, is_better, outcome_of, require_calls, tune_prompt
from afina.synth.concepts import Wanted
from afina.synth.program import write_program
from afina.texts import t

FILE = click.Path(path_type=Path)


@click.command(
    "tune-prompt",
    epilog="afina tune-prompt ba --model smollm2 --calls 120",
    help=t(
        "Search for the instructions and examples with which a model answers best as a role, judged by its metric, answers bound by its schema. gepa reflects on what went wrong; mipro (DSPy's MIPROv2) draws candidates, in an environment of its own. Malformed answers are counted, not fatal; an interrupted search goes on where it was. The role is asked so only if questions that the search has not seen say that it is surely better (p < 0.05); otherwise the program is kept beside."
    ),
)
@click.argument("role", default="ba")
@click.option(
    "--model",
    default="",
    help=t("who is asked: .gguf, folder, smollm2, ollama:NAME, http://…/v1#model (default: the base)"),
)
@optimiser_option
@click.option(
    "--calls", default=120, show_default=True, type=click.IntRange(4), help=t("answers that the search may ask for")
)
@click.option(
    "--metric", default="", help=t("what is better: a name or your own as module:function (default: the recipe's)")
)
@click.option(
    "--questions",
    default=12,
    show_default=True,
    type=click.IntRange(2),
    help=t("questions to search with: the first half chooses, the second confirms"),
)
@click.option(
    "--concepts", "file", type=FILE, help=t("questions to search with (default: new ones from the role's words)")
)
@inputs_option
@click.option(
    "--max-bootstrapped-demos",
    "demos",
    default=6,
    show_default=True,
    type=click.IntRange(0, 16),
    help=t("most examples that a prompt shows"),
)
@click.option(
    "--num-candidates",
    default=8,
    show_default=True,
    type=click.IntRange(2, 64),
    help=t("mipro: instructions that are drawn"),
)
@click.option(
    "--num-trials",
    default=10,
    show_default=True,
    type=click.IntRange(1, 500),
    help=t("mipro: combinations that are tried"),
)
@seed_option
@languages_option
@click.option("--output", type=FILE, help=t("write the program there (default: .afina/roles/ROLE/program.json)"))
@json_option
def tune_prompt_command(role: str, output: Path | None, as_json: bool, **options: Any) -> None:
    """Search."""
    space = open_space(role, here())
    asked = SearchOptions(
        calls=options["calls"],
        most_examples=options["demos"],
        seed=options["seed"],
        metric=options["metric"],
        candidates=options["num_candidates"],
        trials=options["num_trials"],
    )
    if options["file"]:
        concepts = read_concepts(options["file"])[: options["questions"]]
    else:
        wanted = Wanted(count=options["questions"], languages=options["languages"], seed=1)
        concepts = questions_for(space, wanted, dict(map(read_inputs, options["inputs"])))
    require_calls(asked.calls, len(concepts))
    told = stages(as_json)
    source = options["model"] or space.settings.base.model
    with told.stage("tune-prompt") as stage:
        with open_model(source, space.settings, space.folder, kept="answers.jsonl") as model:
            questions = [one.question for one in concepts]
            program = tune_prompt(
                Trial(space, model, asked), questions, OPTIMISERS[options["optimiser"]](model), stage.tell
            )
        stage.note = outcome_of(program)
    taken = is_better(program)
    path = output or (space.program if taken else space.program.with_stem("program-found"))
    write_program(path, program)
    if as_json:
        print_json({**program.found, "taken": taken, "file": str(path)})
        return
    OUT.print(escape(program.instructions), soft_wrap=True)
    OUT.print(t(f"with {len(program.examples)} examples"))
    OUT.print(f"→ {escape(str(path))}", soft_wrap=True)
    if not taken:
        OUT.print(
            t("Nothing is surely better: the role is asked as before. More questions (--questions) show smaller gains.")
        )
