"""Conversations: the good answers among those that were given, by people's word or by what the user wrote next."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from afina.files import SourceRow, read_turns
from afina.ids import example_id
from afina.records import Example, Exchange, Turn
from afina.sameness import composed, message_key
from afina.signals import score_turn
from afina.tasks.kind import Kind, Parts, Said, Task, right_answer
from afina.tasks.rules import answers_no_message, damaged, empty_answer, too_long

BEST = 5
"""Quality of an answer that a person accepted or wrote."""


def no_reaction(example: Example, _task: Task) -> str:
    """Nobody reviewed it, and nothing followed."""
    return "" if example.facts["evidence"] else "no reaction to judge it by"


def low_quality(example: Example, task: Task) -> str:
    """What followed says that it was not good."""
    quality, rule = example.facts["quality"], example.facts["rule"]
    return f"quality {quality} ({rule})" if quality < task.curate.min_quality else ""


class Chat(Kind):
    """Answers in conversations."""

    name = "chat"
    rules = (answers_no_message, empty_answer, too_long, damaged, no_reaction, low_quality)
    metrics = ("chrf",)
    weighs = True
    prose = True
    all_targets = True  # nearer replies from a model to which the real answers became less likely are no gain
    needs_feedback = False

    def said(self, task: Task, path: Path, row: SourceRow) -> Iterable[Said]:
        """`{"messages": […]}` with optional `id` and `product`: every answer in it, with what the user wrote next.

        A conversation may end with the user's turn: that is the evidence of what the last answer was worth.
        """
        del task
        turns = read_turns(path, row)
        system = tuple(turn for turn in turns if turn.role == "system")
        talk = [turn for turn in turns if turn.role != "system"]
        facts = {"product": str(row.values["product"])} if row.values.get("product") else {}
        name = str(row.values.get("id") or f"{path.name}:{row.line}")
        for at, turn in enumerate(talk):
            if turn.role == "assistant":
                follows = talk[at + 1].content if at + 1 < len(talk) and talk[at + 1].role == "user" else ""
                before = (*system, *talk[:at])
                yield Said(turns=before, answer=turn.content, reaction=follows, conversation=name, facts=facts)

    def examples(self, task: Task, exchange: Exchange) -> Iterable[Example]:
        """An answer that a person accepted, the one a person wrote instead, or the one that was given."""
        del task
        reviewed = right_answer(exchange)
        turns = tuple(Turn(turn.role, composed(turn.content.strip())) for turn in exchange.turns)
        asked = turns[-1].content if turns and turns[-1].role == "user" else ""
        score = score_turn(asked, exchange.answer, exchange.reaction)
        if reviewed is not None:
            quality, rule = BEST, str(exchange.kind or "")
        elif exchange.quality is not None:
            quality, rule = exchange.quality, exchange.evidence
        else:
            quality, rule = score.quality, score.rules[0]
        yield Example(
            id=example_id(exchange.id),
            turns=turns,
            answer=composed((exchange.answer if reviewed is None else reviewed).strip()),
            group=exchange.group,
            stratum=score.category,
            source=exchange.id,
            facts={
                **exchange.facts,
                "category": score.category,
                "quality": quality,
                "success": score.success,
                "rule": rule,
                "evidence": reviewed is not None or exchange.quality is not None or bool(exchange.reaction),
            },
        )

    def key(self, example: Example) -> str:
        """The same question may have several good answers: only an equal exchange is a duplicate."""
        return "\x1f".join(message_key(text) for text in (*(t.content for t in example.turns), example.answer))

    def compared(self, example: Example) -> tuple[str, str]:
        """Message and answer; the same words in reply to something else are another example."""
        return f"{example.message}\n{example.answer}", ""

    def card(self, task: Task, parts: Parts) -> dict[str, Any]:
        """Categories of each part, and the qualities."""
        del task
        return {
            "categories": {split.value: dict(Counter(e.stratum for e in rows)) for split, rows in parts.items()},
            "qualities": dict(Counter(str(e.facts.get("quality")) for rows in parts.values() for e in rows)),
        }
