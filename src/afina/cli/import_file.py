"""`import`."""

from pathlib import Path
from typing import Any

import click

from afina.capture.importers import KINDS
from afina.cli.options import here, json_option
from afina.cli.terminal import OUT, escape, print_json, stages
from afina.errors import SettingsError
from afina.flows.bring import Export, Look, bring, look_at
from afina.flows.collect import import_file
from afina.flows.privacy import policy_of
from afina.texts import t
from afina.wiring import open_project, read_project

FIELDS = ("id", "conversation", "user", "text", "answer", "rating", "comment", "at", "role", "system")


@click.command(
    "import",
    help=t(
        "Rows of a .csv, .tsv or .jsonl file, as the task's kind reads them. classify: a column `text`, one per field with the right label, optionally `predicted_FIELD`. chat: `messages`. structured: `prompt` or `messages`, and `expected`. documents: .txt, .md or `text`, or a folder of them. For all optionally `id`, `user`, `conversation`, `confidence`, `reviewer`, `created_at`. Or an export of another tool, with its ratings: --from openwebui, librechat, openai, sharegpt, langfuse, rasa, anythingllm, table (columns by their names, or --map), or auto. Importing a file twice adds nothing."
    ),
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--from", "kind", type=click.Choice(["auto", *KINDS]), help=t("Which tool wrote it; auto = by its first entry.")
)
@click.option(
    "--map",
    "maps",
    multiple=True,
    metavar="FIELD=COLUMN",
    help=t(
        "Which column is which, e.g. text=pregunta. Again for the next one. Fields: id, conversation, user, text, answer, rating, comment, at, role, system."
    ),
)
@click.option(
    "--ratings",
    type=click.Path(path_type=Path),
    help=t("File with the ratings, where a tool exports them apart (ChatGPT, Langfuse)."),
)
@click.option("--preview", is_flag=True, help=t("Read all of it, show what is in it, store nothing."))
@json_option
def import_command(file: Path, as_json: bool, **options: Any) -> None:
    """Import."""
    mapping = mapping_of(options["maps"])
    foreign = options["kind"] or mapping or options["ratings"] or options["preview"] or file.suffix.lower() == ".json"
    if not foreign:
        added, notices = import_file(open_project(here()), file, stages(as_json))
        if as_json:
            print_json({"added": added, "notices": notices})
        return
    named = "" if options["kind"] in {None, "auto"} else options["kind"]
    export = Export(path=file, kind=named, mapping=mapping, ratings=options["ratings"])
    if options["preview"]:
        paths, settings = read_project(here())
        policy = policy_of(settings.privacy, paths, settings.project.client)
        with stages(as_json).stage("preview") as stage:
            look = look_at(export, policy, task=settings.task.name, tell=stage.tell)
        show(look, as_json)
        return
    added, rated, look = bring(open_project(here()), export, stages(as_json))
    if as_json:
        print_json({"added": added, "rated": rated, **look.as_json()})


def mapping_of(maps: tuple[str, ...]) -> dict[str, str]:
    """Field → column.

    Raises:
        SettingsError: a flag is no FIELD=COLUMN.
    """
    found = {}
    for one in maps:
        name, _, column = one.partition("=")
        if name not in FIELDS or not column:
            raise SettingsError(f"--map {one}: not FIELD=COLUMN", remedy=f"fields are {', '.join(FIELDS)}")
        found[name] = column
    return found


def show(look: Look, as_json: bool) -> None:
    """What is in an export."""
    if as_json:
        print_json(look.as_json())
        return
    OUT.print(
        t("{kind}: {answers} answers in {conversations} conversations of {users} people").format(
            kind=look.kind, answers=look.answers, conversations=look.conversations, users=look.users
        )
    )
    for label, counts in ((t("ratings"), look.ratings), (t("scrubbed"), look.scrubbed)):
        if counts:
            OUT.print(f"{label}: " + ", ".join(f"{name} × {n}" for name, n in sorted(counts.items())))
    if look.repaired:
        OUT.print(t("{n} texts had been decoded with a wrong code page, and are repaired").format(n=look.repaired))
    if look.without_id:
        OUT.print(t("{n} answers have no id of their own: they are known by what was said").format(n=look.without_id))
    for one in look.first:
        OUT.print(
            f"\n[bold]{escape(one['text'][:200])}[/bold]\n  {escape(one['answer'][:200])}"
            + (f"  ({one['rating']})" if one["rating"] else "")
        )
