"""`score-turn`: what a reaction says about an answer."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from afina.files import read_jsonl, read_rows
from afina.files.forms import Form, Text, checked, place
from afina.signals import score_turn
from afina.texts import t


class ReactionRow(Form):
    """A message, its answer, and what the user wrote next."""

    user: Text
    bot: Text
    next: Text


@click.command(
    "score-turn",
    help=t(
        "What the next message says about an answer: JSONL with user, bot and next → quality 1–5, success, category and the rules that decided. - reads standard input."
    ),
)
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
def score_turn_command(file: Path) -> None:
    """Score."""
    for row in read_jsonl(Path("/dev/stdin")) if str(file) == "-" else read_rows(file):
        turn = checked(ReactionRow, row.values, place(file, row))
        score = score_turn(turn.user, turn.bot, turn.next)
        click.echo(json.dumps(asdict(score), ensure_ascii=False))
