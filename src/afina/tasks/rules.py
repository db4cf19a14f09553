"""Curation rules that several kinds share. A rule says why an example is not learnt, or nothing."""

from afina.files.damage import damage
from afina.records import Example
from afina.tasks.kind import Task


def too_short(example: Example, task: Task) -> str:
    """The message is shorter than `curate.min_chars`."""
    short = len(example.message.strip()) < task.curate.min_chars
    return f"shorter than {task.curate.min_chars} characters" if short else ""


def too_long(example: Example, task: Task) -> str:
    """A turn is longer than `curate.max_chars`."""
    texts = [turn.content for turn in example.turns] + ([example.answer] if example.turns else [])
    long = any(len(text) > task.curate.max_chars for text in texts)
    return f"longer than {task.curate.max_chars} characters" if long else ""


def damaged(example: Example, _task: Task) -> str:
    """A text was read in a wrong encoding before it came here."""
    texts = [*(turn.content for turn in example.turns), example.answer]
    return next((found for text in texts if (found := damage(text))), "")


def answers_no_message(example: Example, _task: Task) -> str:
    """Nobody asked anything."""
    asked = bool(example.turns) and example.turns[-1].role == "user" and bool(example.message)
    return "" if asked else "answers no message"


def empty_answer(example: Example, _task: Task) -> str:
    """There is nothing to learn."""
    return "" if example.answer.strip() else "empty answer"
