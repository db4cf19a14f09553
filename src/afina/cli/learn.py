"""`learn`: a file → a tuned model, without a database."""

from pathlib import Path
from typing import Any, get_args

import click

from afina.cli.options import here, resume_option
from afina.cli.pages import version_pages
from afina.cli.task_flags import flags_of
from afina.cli.terminal import OUT, print_report, stages
from afina.flows.base_settings import base_layer
from afina.flows.learn import Lesson, learn
from afina.flows.project import folder_project
from afina.settings import Quantisation, make_settings
from afina.store.paths import Paths, write_json
from afina.texts import t

FILE = click.Path(path_type=Path)


@click.command(
    "learn",
    help=t(
        "A file → tuned, quantised, judged model; beside it simple baselines and the untuned base, all on held-out rows. classify: labelled messages; chat: conversations; structured: requests with their JSON or YAML; documents: texts. No database. Exit code 0 when it came to its end, whatever the verdict: that stands in the report."
    ),
)
@click.option(
    "--task",
    "kind",
    help=t(
        "kind of task: classify, chat, structured, documents, or your own as file.py:OBJECT (default: the recipe's, else classify)"
    ),
)
@click.option("--recipe", default="", help=t("a recipe's name or TOML file (`afina recipes`; default: the kind's)"))
@click.option("--data", required=True, type=FILE, help=t(".csv, .tsv or .jsonl; for documents also texts or a folder"))
@click.option("--test", type=FILE, help=t("held-out file (default: a split of --data)"))
@click.option("--text", help=t("column with the message (default: text)"))
@click.option("--label", help=t("label columns: a comma parts fields, a plus joins columns into one label"))
@click.option("--system", help=t("system prompt before conversations and requests that bring none"))
@click.option("--instructions", help=t("how the untuned base is asked (default: made of labels and schema)"))
@click.option("--schema", help=t("structured: file with the JSON schema of the answers"))
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    help=t("what decides (default: the kind's): a name or your own as module:function"),
)
@click.option(
    "--base",
    help=t(
        "base model: `semilla`, a .gguf file, ollama:NAME, smollm2, a folder or a hub id (default: the recipe's, else semilla)"
    ),
)
@click.option("--config", type=FILE, help=t("training settings, YAML or TOML"))
@click.option(
    "--minutes",
    type=click.FloatRange(min=0),
    help=t("training time to plan for; 0 = no limit (default: the recipe's; without a recipe 10)"),
)
@click.option("--quant", type=click.Choice(get_args(Quantisation)), help=t("quantisation (default: the setting's)"))
@click.option(
    "--canaries",
    type=click.IntRange(0, 1000),
    help=t(
        "plant so many false secrets in the training and measure what the tuned file repeats of them (default: none)"
    ),
)
@click.option(
    "--scrub/--no-scrub",
    default=None,
    help=t("take personal data out before anything is learnt (default); not of what a model or your own team made up"),
)
@click.option("--work", type=FILE, help=t("folder for model and run (default: .afina/learn/NAME)"))
@click.option("--json", "out", type=FILE, help=t("write the report there"))
@resume_option
def learn_command(
    data: Path, test: Path | None, work: Path | None, out: Path | None, resume: bool, **options: Any
) -> None:
    """Learn."""
    if options["kind"] in {None, "classify"} and not options["label"] and not options["recipe"]:
        raise click.UsageError("the task classify needs --label")
    settings = make_settings(flags_of(options), base_layer=base_layer)
    folder = work or Paths(here()).learn(data.stem)
    lesson = Lesson(data=data, folder=folder, test=test)
    report = learn(lesson, settings, stages().narrator, resume=resume)
    if out:
        write_json(out, report)
    print_report(report)
    project = folder_project(folder, settings)
    version = project.ledger.version(report["tasks"][0]["version"])
    OUT.print(f"→ {project.paths.report}, {version_pages(project, version)}", soft_wrap=True)
