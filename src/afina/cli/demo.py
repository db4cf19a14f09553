"""`demo`."""

import json
import time
from pathlib import Path

import click

from afina.bases import resolve_base, semilla
from afina.cli.options import here
from afina.cli.pages import version_pages
from afina.cli.terminal import OUT, escape, print_report, stages
from afina.demo.story import CHAT, REAL_BASE, SETTINGS, honest_failure, turn_the_chat, turn_the_wheel
from afina.errors import TrainError
from afina.flows.base_settings import base_layer
from afina.flows.project import folder_project
from afina.ids import base_name
from afina.settings import SETTINGS_FILE, make_settings
from afina.store.paths import Paths, write_json, write_whole
from afina.texts import t
from afina.web.report import write_report_page
from afina.wiring import open_project

INTRODUCTION = (
    "Corrected messages of an invented shop → dataset → LoRA adapter → GGUF → verdict → canary → production, on this CPU.",
    "The base is the built-in `semilla`: 5 million parameters, there to show the loop offline, not to be clever.",
    "With a base of your own ([base] model in afina.toml) the same commands tune that one.",
)


@click.command(
    "demo",
    help=t(
        "Turn the wheel once on a sample, in .afina/demo; ends with a table, report.json and report.html. Exit code 1 unless the tuned model is better."
    ),
)
@click.option("--folder", type=click.Path(path_type=Path), help=t("where (default: .afina/demo)"))
@click.option(
    "--base", default=semilla.NAME, show_default=True, help=t("base model, e.g. smollm2 (`afina base pull smollm2`)")
)
def demo_command(folder: Path | None, base: str) -> None:
    """Demo."""
    resolve_base(base)
    place = (folder or demo_folder(base)).resolve()
    if not (place / SETTINGS_FILE).is_file():
        more = "" if base == semilla.NAME else REAL_BASE
        write_whole(place / SETTINGS_FILE, f"{SETTINGS}{more}\n[base]\nmodel = {json.dumps(base)}\n")
    introduction = INTRODUCTION if base == semilla.NAME else INTRODUCTION[:1]
    for line in introduction:
        OUT.print(escape(t(line)))
    began = time.monotonic()
    told = stages()
    with told.stage("database") as stage:
        project = open_project(place)
        stage.note = t("PostgreSQL is up, for this folder only")
    report = turn_the_wheel(project, told)
    OUT.print(
        escape(t("The same for conversations: replies of a small workshop, kept by what its customers wrote next."))
    )
    chat_settings = make_settings({**CHAT, "base": {"model": base}}, base_layer=base_layer)
    report["tasks"].append(turn_the_chat(project.paths.learn("chat"), chat_settings, told.narrator))
    report["seconds"] = round(time.monotonic() - began, 1)
    report["note"] = f"authored sample, base {base}, simulated canary traffic"
    labels, chat = report["tasks"]
    chatting = folder_project(project.paths.learn("chat"), chat_settings)
    curves = {
        labels["task"]: project.paths.run(report["run"]) / "curve.jsonl",
        chat["task"]: chatting.paths.run(chat["run"]) / "curve.jsonl",
    }
    for entry, own in ((labels, project), (chat, chatting)):
        page = version_pages(own, own.ledger.version(entry["version"]))
        entry["page"] = str(page.relative_to(place))
    write_json(place / "report.json", report)
    write_report_page(report, place / "report.html", curves=curves, notes=introduction)
    print_report(report)
    shown = place / "report.html"
    near = shown.relative_to(here()) if shown.is_relative_to(here()) else shown
    OUT.print(f"\n{t('all figures and pages')}: {near}  [dim]{report['seconds']:.0f} s[/]", soft_wrap=True)
    failure = honest_failure(report)
    if failure:
        raise TrainError(failure, remedy=f"the numbers are in {place / 'report.json'}")
    OUT.print(t("next: `afina serve` in that folder, then `afina chat 'me cobraron dos veces'`"))


def demo_folder(base: str) -> Path:
    """A folder for each base: the demo goes on where it was interrupted."""
    folder = Paths(here()).demo
    return folder if base == semilla.NAME else folder.with_name(f"{folder.name}-{base_name(base)}")
