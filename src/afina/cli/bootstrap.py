"""`bootstrap`: from a few authored examples to a tuned model of a role."""

from typing import Any

import click
from rich.table import Table

from afina.cli.options import VerdictCommand, here, json_option, verdict_exit
from afina.cli.pages import write_pages
from afina.cli.role_options import optimiser_option, seed_option
from afina.cli.terminal import OUT, escape, print_json, stages
from afina.cli.verdict import COLOURS, EXIT_CODES
from afina.errors import InputError
from afina.flows.boot import Boot, BootstrapOptions, only_one
from afina.flows.bootstrap import bootstrap
from afina.flows.optimisers import OPTIMISERS
from afina.flows.role_report import as_markdown, last_verdict, role_report, table
from afina.flows.role_space import open_space
from afina.records import Outcome
from afina.store.paths import write_json, write_whole
from afina.texts import t

WORDS = (
    "gain over the base", "gain that is aimed at", "score on the human examples", "valid YAML", "answers that the next role can use",
    "tokens a second", "memory, MB", "cost of answers, $", "satisfaction, 1 to 5", "bound",
    "more examples, or a longer prompt search (`--calls`); then another base (`afina bench-models`)",
    "another or a larger base (`afina bench-models`): document 001 says 3B",
    "more examples or epochs; bound by its schema every answer is valid in any case",
    "a longer limit (`max_tokens` in role.toml) where answers are cut off", "a smaller base, or fewer bits",
)  # fmt: skip
"""Texts that are put together where they are shown."""
SHORT = BootstrapOptions(generations=(40, 96), least=12, calls=36, minutes=12.0)
"""An hour on two cores with a small base, or somewhat more."""


@click.command(
    "bootstrap",
    cls=VerdictCommand,
    epilog="afina bootstrap ba --base smollm2 --short",
    help=t(
        "From a few authored examples to a tuned model, without anybody's API: prompt search, examples written by the base, a first tuned version, more examples, a second one; each is held against the base on the authored examples that nobody has seen. Says first what it takes; goes on where it was interrupted. Exit code 0 go, 1 no-go, 2 cannot tell, 65 an error."
    ),
)
@click.argument("role", default="ba")
@click.option(
    "--base",
    default="",
    help=t("the model that is tuned: smollm2, a .gguf, a folder, ollama:NAME, a hub id (default: the project's)"),
)
@click.option("--examples", default="", help=t("examples of each generation, with commas between (default: 100,200)"))
@click.option("--min-examples", type=click.IntRange(10), help=t("fewest that must be good enough (default: 50)"))
@click.option("--calls", type=click.IntRange(4), help=t("answers that the prompt search may ask for (default: 120)"))
@click.option(
    "--questions",
    type=click.IntRange(4),
    help=t("questions that it searches with, half of them choose and half confirm (default: 12)"),
)
@click.option(
    "--minutes", type=click.FloatRange(0), help=t("training time of each generation; 0 = no limit (default: 0)")
)
@click.option(
    "--min-score", type=click.FloatRange(0, 1), help=t("lowest score of an example that is kept (default: 0.6)")
)
@click.option(
    "--language",
    "languages",
    multiple=True,
    help=t("language, several if repeated (default: all of the authored examples)"),
)
@optimiser_option
@click.option(
    "--reference",
    default="",
    metavar="SOURCE",
    help=t("a model beside them: http://…/v1#model, or a file of answers; without one nothing is said of other models"),
)
@click.option(
    "--short", is_flag=True, help=t("40 and 96 examples, 36 answers of search, at most 12 minutes of training each")
)
@seed_option
@json_option
def bootstrap_command(role: str, base: str, as_json: bool, **options: Any) -> None:
    """Bootstrap."""
    with verdict_exit():
        space = open_space(role, here(), {"base": {"model": base}} if base else None)
        boot = Boot(
            space=space,
            options=options_of(options),
            stages=stages(as_json),
            optimise=OPTIMISERS[options["optimiser"]],
        )
        with only_one(space):
            booted = bootstrap(boot)
            report = role_report(boot, booted)
            write_json(boot.folder / "report.json", report)
            write_whole(boot.folder / "report.md", as_markdown(report))
            page = write_pages(*last_verdict(boot, booted), boot.folder)
    if as_json:
        print_json(report)
    else:
        print_role(report)
        OUT.print(f"→ {escape(str(boot.folder / 'report.md'))}, {escape(str(page))}", soft_wrap=True)
    outcome = Outcome(report["outcome"])
    code = EXIT_CODES[Outcome.NO_GO if outcome is Outcome.GO and not report["go"] else outcome]
    if code:
        raise click.exceptions.Exit(code)


def options_of(given: dict[str, Any]) -> BootstrapOptions:
    """The options, over the defaults or the short form's.

    Raises:
        InputError: the examples are no numbers.
    """
    start = SHORT if given["short"] else BootstrapOptions()
    own: dict[str, Any] = {name: getattr(start, name) for name in BootstrapOptions.__slots__}
    if given["examples"]:
        try:
            own["generations"] = tuple(int(one) for one in given["examples"].split(","))
        except ValueError as exc:
            raise InputError(
                f"--examples {given['examples']!r}: numbers with commas between", remedy="e.g. 100,200"
            ) from exc
        if not own["generations"] or min(own["generations"]) < 10:
            raise InputError(f"--examples {given['examples']!r}: at least 10 for each generation")
    for name, option in (
        ("least", "min_examples"),
        ("calls", "calls"),
        ("questions", "questions"),
        ("minutes", "minutes"),
        ("min_score", "min_score"),
    ):
        if given[option] is not None:
            own[name] = given[option]
    return BootstrapOptions(
        **{
            **own,
            "languages": tuple(given["languages"]),
            "seed": given["seed"],
            "reference": given["reference"],
            "optimiser": given["optimiser"],
        }
    )


def print_role(report: dict[str, Any]) -> None:
    """The outcome, the generations, the criteria, what helps."""
    outcome = Outcome(report["outcome"])
    word = t("go") if report["go"] else t("no-go") if outcome is Outcome.GO else t(outcome.value)
    colour = COLOURS[outcome if report["go"] or outcome is not Outcome.GO else Outcome.NO_GO]
    OUT.print(f"[bold {colour}]{word}[/]  {escape(t(report['because']))}", soft_wrap=True)
    rows = table(report)
    shown = Table(box=None, header_style="bold")
    for heading in rows[0]:
        shown.add_column(t(heading), justify="left" if heading == "name" else "right")
    for row in rows:
        shown.add_row(
            *(
                "–" if value is None else f"{value:.3f}" if isinstance(value, float) else escape(str(value))
                for value in row.values()
            )
        )
    OUT.print(shown)
    for one in report["criteria"]:
        mark = "[green]✓[/]" if one["met"] else "[red]✗[/]" if one["critical"] else "[yellow]–[/]"
        found = "–" if one["found"] is None else f"{one['found']:g}"
        OUT.print(f"{mark} {t(one['name'])}: {found} ({t('asked')}: {one['asked']:g})", soft_wrap=True)
    for one in report["remedies"]:
        OUT.print(f"  → {escape(t(one))}", soft_wrap=True)
    for one in report["advice"]:
        name, _, remedy = one.partition(": ")
        OUT.print(f"  → {t(name)}: {escape(t(remedy))}", soft_wrap=True)
