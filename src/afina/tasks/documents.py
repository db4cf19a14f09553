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

PARAGRAPHS = re.compile(r"\n\s*\n")
SENTENCES = re.compile(r"(?<=[.!?…])\s+|\n")


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
    """Paragraphs, sentences or cuts that fit, each with what joins it to the one before."""
    for paragraph in filter(None, (one.strip() for one in PARAGRAPHS.split(text))):
        if len(paragraph) <= most:
            yield paragraph, "\n\n"
            continue
        for at, sentence in enumerate(filter(None, SENTENCES.split(paragraph))):
            for start in range(0, len(sentence), most):
                yield sentence[start : start + most], " " if at or start else "\n\n"
