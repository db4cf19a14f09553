"""Plain texts: the model goes on pretraining with them. Nothing is asked; held-out texts are weighed."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from afina.files import SourceRow, cell_text
from afina.ids import example_id
from afina.records import Example, Exchange, Turn
from afina.sameness import composed
from afina.tasks.kind import Kind, Said, Task, right_answer
from afina.tasks.rules import damaged, too_short

PARAGRAPH = re.compile(r"\n\s*\n")
SENTENCE = re.compile(r"(?<=[.!?…])\s+|\n")


class Documents(Kind):
    """Texts to read, cut into pieces at paragraphs."""

    name = "documents"
    rules = (too_short, damaged)
    metrics = ()
    weighs = True
    asks = False
    baselines = ()
    needs_feedback = False

    def said(self, task: Task, path: Path, row: SourceRow) -> Iterable[Said]:
        """The text column is the document; its `id` or file keeps its pieces together."""
        name = str(row.values.get("id") or f"{path.name}:{row.line}")
        yield Said(turns=(Turn("user", cell_text(path, row, task.settings.text)),), conversation=name)

    def examples(self, task: Task, exchange: Exchange) -> Iterable[Example]:
        """The pieces of a document. Of a served answer that a person accepted or corrected: question and answer as a text."""
        right = right_answer(exchange)
        if right is None and exchange.answer:
            return
        text = exchange.message if right is None else f"{exchange.message}\n{right}"
        for number, piece in enumerate(pieces(composed(text.strip()), most=task.settings.chunk_chars)):
            yield Example(
                id=example_id(exchange.id, number),
                turns=(),
                answer=piece,
                group=exchange.group,
                source=exchange.id,
                facts={**exchange.facts, "piece": number},
            )

    def compared(self, example: Example) -> tuple[str, str]:
        """The text."""
        return example.answer, ""


def pieces(text: str, *, most: int) -> list[str]:
    """A text in pieces of at most `most` characters: whole paragraphs where they fit, else sentences, else a hard cut."""
    found: list[str] = []
    for unit, joint in units(text, most=most):
        if found and len(found[-1]) + len(joint) + len(unit) <= most:
            found[-1] += joint + unit
        else:
            found.append(unit)
    return found


def units(text: str, *, most: int) -> Iterator[tuple[str, str]]:
    """Paragraphs, sentences or cuts that fit, each with what joined it to the one before."""
    for paragraph, before in parted(PARAGRAPH, text.strip()):
        if len(paragraph) <= most:
            yield paragraph, before
            continue
        joint = before
        for sentence, between in parted(SENTENCE, paragraph):
            for start in range(0, len(sentence), most):
                yield sentence[start : start + most], "" if start else joint or between
            joint = ""


def parted(mark: re.Pattern[str], text: str) -> Iterator[tuple[str, str]]:
    """The parts of a text, each with the mark before it."""
    at, before = 0, ""
    for found in mark.finditer(text):
        if found.start() > at:
            yield text[at : found.start()], before
            before = ""
        before += found[0]
        at = found.end()
    if at < len(text):
        yield text[at:], before
