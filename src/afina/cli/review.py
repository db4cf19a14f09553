"""`review`."""

import time
from typing import Any

import click

from afina.capture import add_feedback, scrub_feedback, unreviewed
from afina.cli.options import here
from afina.cli.terminal import OUT, escape
from afina.flows.privacy import policy_of
from afina.flows.project import Project
from afina.ids import FeedbackId, InteractionId, new_id
from afina.records import Feedback, FeedbackKind, Fields
from afina.texts import t
from afina.wiring import open_project


@click.command(
    "review",
    help=t(
        "Go through what people should decide: labels that `afina suspects` doubts, messages with different answers, then unreviewed answers, least confident first. Enter accepts, text corrects, s skips, q ends."
    ),
)
@click.option("--limit", default=50, show_default=True, help=t("how many"))
@click.option("--reviewer", default="", help=t("your name, kept with each decision"))
def review_command(limit: int, reviewer: str) -> None:
    """Review."""
    project = open_project(here())
    with project.session() as session:
        waiting = unreviewed(session, task=project.task.name, limit=limit)
    if not waiting:
        OUT.print(t("nothing to review"))
        return
    done = 0
    for number, row in enumerate(waiting, start=1):
        OUT.print(f"\n[dim]{number}/{len(waiting)}[/]")
        for turn in row["context"]:
            OUT.print(f"  [dim]{turn['role']}[/]  {escape(turn['content'])}", soft_wrap=True)
        OUT.print(f"[bold]{escape(row['text'])}[/]", soft_wrap=True)
        if row["suspect"]:
            OUT.print(f"[yellow]{escape(t(doubt(row)))}[/]", soft_wrap=True)
        began = time.monotonic()
        decided = ask_values(project, row)
        if decided is None:
            break
        if decided:
            decide(project, row, decided, reviewer=reviewer, seconds=time.monotonic() - began)
            done += 1
    OUT.print(f"{done} {t('reviewed')}")


def doubt(row: dict[str, Any]) -> str:
    """Why it is asked again."""
    if row["suspect"] == "conflict":
        return "people gave different answers to this message"
    return f"{row['field']}: {row['given']} is doubtful, {row['suggested']} is likelier"


def ask_values(project: Project, row: dict[str, Any]) -> Fields | None:
    """What the reviewer decides; {} to skip, None to end."""
    said = row["decided"] or project.task.kind.predicted(project.task, row["answer"])
    decided: Fields = {}
    for name in project.task.kind.decided(project.task):
        answer = click.prompt(f"  {name}", default=said.get(name) or None, show_default=True, type=str).strip()
        if answer == "q":
            return None
        if answer == "s":
            return {}
        decided[name] = answer
    return decided


def decide(project: Project, row: dict[str, Any], decided: Fields, *, reviewer: str, seconds: float) -> None:
    """Store one decision, without personal data that the reviewer typed."""
    same = decided == project.task.kind.predicted(project.task, row["answer"])
    feedback = Feedback(
        id=FeedbackId(new_id("fbk")),
        client=project.client,
        interaction=InteractionId(row["id"]),
        kind=FeedbackKind.ACCEPTED if same else FeedbackKind.CORRECTED,
        value=decided,
        reviewer=reviewer,
        review_seconds=seconds,
    )
    policy = policy_of(project.settings.privacy, project.paths, project.client)
    with project.session() as session:
        add_feedback(session, scrub_feedback(feedback, policy))
