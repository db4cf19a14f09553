"""A customer's next message arrives → the answers before it are scored by it, and again by what comes later."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from afina.signals import TurnScore, rules_version, score_turn
from afina.store.named import read_queries
from afina.store.pool import Connection

QUERIES = read_queries("afina.capture")
NEWEST = 8
"""Interactions of a conversation that a new message may say something of."""
WHOLE = 10_000
"""The same of a conversation that was imported."""
GOOD = 4
LATE = frozenset(
    {
        "quality.failed",
        "quality.solved",
        "quality.says_it_again",
        "quality.asked_again",
        "quality.wants_a_person",
        "quality.bought",
    }
)
"""What says something of the answer before the thanks as well: "gracias" · "de nada" · "pero sigue sin funcionar"."""


@dataclass(frozen=True, slots=True)
class Said:
    """One message and its answer."""

    id: str
    text: str
    answer: str


@dataclass(frozen=True, slots=True)
class Signal:
    """What reactions say of an interaction's answer; `reaction` is the id of the interaction whose message was the evidence."""

    interaction: str
    reaction: str
    score: TurnScore


def signals_of(talk: Sequence[Said]) -> list[Signal]:
    """The score of every answer but the last, which nobody has reacted to. What comes after mere thanks counts for what was thanked for."""
    found: list[Signal] = []
    for at in range(len(talk) - 1):
        one, last = talk[at], at + 1
        score = score_turn(one.text, one.answer, talk[last].text)
        while acknowledges(score) and last + 1 < len(talk):
            later = score_turn(one.text, talk[last].answer, talk[last + 1].text)
            if later.rules[0] not in LATE:
                break
            last, score = last + 1, later
        found.append(Signal(one.id, talk[last].id, score))
    return found


def acknowledges(score: TurnScore) -> bool:
    """Whether a reaction says that it was well, and nothing else: what went wrong with it may show later."""
    return score.quality >= GOOD and score.rules[0] in {"quality.delighted", "quality.agreed"}


def score_reactions(session: Connection, conversations: Iterable[str], *, newest: int = NEWEST) -> int:
    """Score the answers of conversations in which something was said, the `newest` of each. Returns how many have a score now."""
    names = sorted({name for name in conversations if name})
    if not names:
        return 0
    rows = session.execute(QUERIES["recent_of_conversations"], {"conversations": names, "newest": newest}).fetchall()
    signals = [
        signal
        for _, talk in groupby(rows, key=lambda row: row["conversation"])
        for signal in signals_of([Said(row["id"], row["text"], row["answer"]) for row in talk])
    ]
    with session.cursor() as cursor:
        cursor.executemany(
            QUERIES["save_signal"],
            [
                {
                    "interaction": one.interaction,
                    "reaction": one.reaction,
                    "quality": one.score.quality,
                    "success": one.score.success,
                    "rules": list(one.score.rules),
                    "version": rules_version(),
                }
                for one in signals
            ],
        )
    return len(signals)
