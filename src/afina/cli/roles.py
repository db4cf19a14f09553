"""`roles`: role models at work: one alone, the chain, ratings, exports."""

import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from afina.cli.options import here, json_option
from afina.cli.terminal import OUT, escape, print_json, stages
from afina.errors import InputError
from afina.flows.boot import Boot, BootstrapOptions, answering_place, only_one
from afina.flows.concepts import require_concept
from afina.flows.role_artifact import checked_file, write_artifact
from afina.flows.role_chain import Chain, asked, run_chain
from afina.flows.role_quality import quality_of
from afina.flows.role_ratings import good_runs, rate, read_runs, record_run, satisfaction
from afina.flows.role_retrain import retrain
from afina.flows.role_run import Worker, concept_question, worker_of
from afina.flows.role_space import open_space, project_of
from afina.records import Outcome
from afina.roles import find_role, known_roles
from afina.roles.artifacts import questions_of
from afina.roles.exports import bmad_prd, speckit
from afina.roles.role import CHAIN
from afina.store.paths import Paths, write_json, write_whole
from afina.texts import t
from afina.web.role import write_role_page

FILE = click.Path(path_type=Path)
model_option = click.option(
    "--model",
    default="",
    help=t(
        "who answers: .gguf, folder, smollm2, ollama:NAME, http://…/v1#model (default: config.yaml, the tuned one, the base)"
    ),
)
folder_option = click.option("--planning", type=FILE, help=t("folder of the artifacts (default: planning)"))


class RolesGroup(click.Group):
    """Every role's name is a command of its own, a project's own roles too."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The roles, then what is done with them."""
        return [*known_roles(project_of(here())[0]), *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A role's command, made when it is called."""
        found = super().get_command(ctx, cmd_name)
        folder = project_of(here())[0]
        return found or (role_command(cmd_name, folder) if cmd_name in known_roles(folder) else None)


@click.group(
    "roles",
    cls=RolesGroup,
    help=t(
        "Role models of a software project: business analyst, product owner, architect, developer, test analyst, and your own in roles/NAME/. `afina roles ba CONCEPT` writes planning/requirements.yaml, `chain` goes on to code and tests; answers are checked before the next role reads them."
    ),
)
def roles_command() -> None:
    """The group."""


def role_command(name: str, project: Path) -> click.Command:
    """`afina roles NAME`."""
    role = find_role(name, project=project)
    concept = [] if role.form.reads else [click.Argument(["concept"])]
    return click.Command(
        name,
        help=role.form.about,
        short_help=role.form.about,
        params=[
            *concept,
            click.Option(
                ["--model"], default="", help=t("who answers (default: config.yaml, the tuned one, the base)")
            ),
            click.Option(["--planning"], type=FILE, help=t("folder of the artifacts (default: planning)")),
            click.Option(
                ["--rating"], type=click.IntRange(1, 5), help=t("how good it is, 1 to 5; asked for in a terminal")
            ),
            click.Option(["--seed"], default=0, type=click.IntRange(0), help=t("another number, another answer")),
            click.Option(["--json", "as_json"], is_flag=True, help=t("print JSON")),
        ],
        callback=runner(name),
    )


def runner(name: str) -> Callable[..., None]:
    """What `afina roles NAME` does."""

    def run(concept: str = "", planning: Path | None = None, *, as_json: bool = False, **options: Any) -> None:
        worker = worker_of(open_space(name, here()), options["model"])
        folder = planning or Paths(project_of(here())[0]).planning
        questions = asked_questions(worker, concept, folder)
        answered = asked(folder, worker, questions, stages(as_json), seed=options["seed"])
        path = write_artifact(worker, answered, folder, seed=options["seed"])
        run_id = record_run(worker, answered)
        if as_json:
            print_json(
                {
                    "run": run_id,
                    "file": str(path),
                    "score": answered.score,
                    "tries": answered.tries,
                    "artifact": answered.artifact,
                }
            )
        else:
            OUT.print(f"→ {escape(str(path))}  {t('run')} {run_id}", soft_wrap=True)
        stars = options["rating"] or asked_rating(as_json=as_json)
        if stars:
            rate(worker.space, run_id, stars)

    return run


def asked_questions(worker: Worker, concept: str, folder: Path) -> list[str]:
    """What a role is asked: the concept, or the files of the roles that it reads.

    Raises:
        InputError: there is no concept, or a file is missing or malformed.
    """
    reads = worker.space.role.form.reads
    if not reads:
        require_concept(concept, "concept")
        return [concept_question(concept)]
    artifacts = {}
    for name in dict.fromkeys(read.role for read in reads):
        before = worker_of(open_space(name, here()))
        artifacts[name] = checked_file(before, folder / before.space.role.form.writes)
    return questions_of(worker.space.role, artifacts)


def asked_rating(*, as_json: bool) -> int | None:
    """What a person in front of a terminal says of the answer; nothing where nobody sits there."""
    if as_json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return None
    said: str = click.prompt(t("How good is it, 1 to 5? (Enter: no rating)"), default="", show_default=False)
    return int(said) if said.strip() in {"1", "2", "3", "4", "5"} else None


@roles_command.command(
    "chain",
    epilog='afina roles chain "Telemedicine for rural areas"',
    help=t(
        "BA → PO → Architect → Dev → QA: planning/*.yaml and code/. An answer that cannot be used is asked for once more with the reasons, then it stops. Run it again to go on where it broke, with other answers, or with another --model; another --seed asks everybody anew. A file that you edited stays, and goes on to the roles behind it."
    ),
)
@click.argument("concept")
@click.option("--to", "last", default="", help=t("the last role (default: all)"))
@model_option
@folder_option
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0))
@json_option
def chain_command(concept: str, last: str, model: str, planning: Path | None, seed: int, as_json: bool) -> None:
    """Run the chain."""
    if last and last not in CHAIN:
        raise InputError(f"no role {last!r} in the chain", remedy=f"there are {', '.join(CHAIN)}")
    names = CHAIN[: CHAIN.index(last) + 1] if last else CHAIN
    folder = planning or Paths(project_of(here())[0]).planning
    chain = Chain(names=names, folder=folder, worker=lambda name: worker_of(open_space(name, here()), model), seed=seed)
    told = run_chain(chain, concept, stages(as_json), kept=record_run)
    if as_json:
        print_json(told)
        return
    for name, one in told.items():
        OUT.print(f"{name:<10} {escape(one['file'])}{'  ' + t('as it was') if one['kept'] else ''}", soft_wrap=True)


@roles_command.command(
    "rate", help=t("Say how good a run was, 1 to 5: RUN is its id, or `last`. From 4 on it becomes an example.")
)
@click.argument("role")
@click.argument("run")
@click.argument("rating", type=click.IntRange(1, 5))
def rate_command(role: str, run: str, rating: int) -> None:
    """Rate."""
    space = open_space(role, here())
    found = rate(space, run, rating)
    OUT.print(t(f"{found}: {rating} of 5; {len(good_runs(space))} good ones so far"))


@roles_command.command("runs", help=t("What a role was asked so far, and what people said of it."))
@click.argument("role")
@json_option
def runs_command(role: str, as_json: bool) -> None:
    """List."""
    space = open_space(role, here())
    found = read_runs(space)
    if as_json:
        rows = [{**one.run.model_dump(), "rating": one.rating} for one in found]
        print_json({**satisfaction(space), "list": rows})
        return
    for one in found:
        stars = "–" if one.rating is None else str(one.rating)
        OUT.print(f"{one.run.run}  {stars}  {escape(one.run.question[:80])}", soft_wrap=True)
    told = satisfaction(space)
    OUT.print(t(f"{told['runs']} runs, {told['rated']} rated, {told['good']} good ones"))


@roles_command.command(
    "report",
    help=t("A role over time, as a page: its generations beside the base, its months, what people said of it."),
)
@click.argument("role")
@click.option("--out", type=FILE, help=t("the page (default: .afina/roles/ROLE/report.html)"))
@json_option
def report_command(role: str, out: Path | None, as_json: bool) -> None:
    """Report."""
    space = open_space(role, here())
    quality = quality_of(space)
    if as_json:
        print_json(asdict(quality))
        return
    page = out or space.folder / "report.html"
    write_role_page(quality, page)
    OUT.print(f"→ {escape(str(page))}", soft_wrap=True)


@roles_command.command(
    "retrain",
    help=t(
        "Tune a role again with the runs that were rated 4 or 5. The new version answers only if it is surely better than the one that does now, by 5 %. For cron: it ends with exit code 1 and one line where there is not enough."
    ),
)
@click.argument("role")
@click.option("--least", default=10, show_default=True, type=click.IntRange(1), help=t("fewest good runs"))
@click.option(
    "--minutes", default=0.0, show_default=True, type=click.FloatRange(0), help=t("training time; 0 = no limit")
)
@json_option
def retrain_command(role: str, least: int, minutes: float, as_json: bool) -> None:
    """Tune again."""
    space = open_space(role, here())
    options = BootstrapOptions(minutes=minutes)
    place = answering_place(space.folder, space.settings.base.model)
    boot = Boot(space=space, options=options, stages=stages(as_json), place=place)
    with only_one(space):
        found = retrain(boot, least=least)
        if found["outcome"] != Outcome.CANNOT_TELL:  # the same command judges it again
            write_json(boot.folder / f"{found['version']}.json", found)
    if as_json:
        print_json(found)
    else:
        OUT.print(f"{t(found['outcome'])}  {escape(t(found['because']))}", soft_wrap=True)
    if not found["answers_now"]:
        raise click.exceptions.Exit(1)


@roles_command.command(
    "export",
    help=t(
        "The requirements for other tools: `spec-kit` writes spec.md (FR-001, SC-001, NEEDS CLARIFICATION), `bmad` prd.md."
    ),
)
@click.argument("tool", type=click.Choice(["spec-kit", "bmad"]))
@folder_option
@click.option("--concept", default="", help=t("what it began with"))
@click.option("--output", type=FILE, help=t("write it there (default: beside the artifacts)"))
def export_command(tool: str, planning: Path | None, concept: str, output: Path | None) -> None:
    """Export."""
    folder = planning or Paths(project_of(here())[0]).planning
    requirements = checked_artifact("ba", folder)
    product, architecture = optional_artifact("po", folder), optional_artifact("architect", folder)
    date = datetime.now(UTC).date().isoformat()
    if tool == "spec-kit":
        text = speckit(requirements, concept or requirements["title"], (product or {}).get("backlog", ()), date=date)
    else:
        text = bmad_prd(requirements, product, architecture, date=date)
    path = output or folder / ("spec.md" if tool == "spec-kit" else "prd.md")
    write_whole(path, text)
    OUT.print(f"→ {escape(str(path))}", soft_wrap=True)


def checked_artifact(name: str, folder: Path) -> dict[str, Any]:
    """A role's file, which must be there.

    Raises:
        InputError: missing, or it breaks the role's schema.
    """
    worker = worker_of(open_space(name, here()))
    return checked_file(worker, folder / worker.space.role.form.writes)


def optional_artifact(name: str, folder: Path) -> dict[str, Any] | None:
    """A role's file, if it is there.

    Raises:
        InputError: it breaks the role's schema.
    """
    path = folder / open_space(name, here()).role.form.writes
    return checked_artifact(name, folder) if path.is_file() else None
