"""Doubtful labels in and out of the review queue, and how far reviewers agree."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from afina.curate.suspects import Suspect
from afina.store.named import read_queries
from afina.store.pool import Connection

QUERIES = read_queries("afina.curate")


def save_suspects(session: Connection, found: Sequence[tuple[str, str, Suspect]], *, task: str) -> None:
    """Interactions with the field that is doubted: they stand first in the review queue until somebody decides again."""
    session.execute(QUERIES["clear_suspects"], {"task": task})
    rows = [
        {
            "interaction": interaction,
            "task": task,
            "field": field,
            "given": one.given,
            "suggested": one.suggested,
            "score": (one.margin + 1) / 2,
        }
        for interaction, field, one in found
    ]
    with session.cursor() as cursor:
        cursor.executemany(QUERIES["add_suspect"], rows)


def agreement(session: Connection, *, task: str) -> dict[str, Any]:
    """Of messages that two people decided on: on how many values they agree, and Cohen's kappa over all of them."""
    rows = session.execute(QUERIES["decided_twice"], {"task": task}).fetchall()
    pairs = [
        (f"{name}\x1f{row['first'][name]}", f"{name}\x1f{row['second'][name]}")
        for row in rows
        for name in row["first"].keys() & row["second"].keys()
    ]
    return {"messages": len(rows), **kappa(pairs)}


def kappa(pairs: Sequence[tuple[str, str]]) -> dict[str, float]:
    """Agreement and Cohen's kappa: agreement beyond what the two would reach by chance; 1 where chance explains nothing less."""
    if not pairs:
        return {"agreement": 0.0, "kappa": 0.0}
    agreed = sum(one == other for one, other in pairs) / len(pairs)
    first, second = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    chance = sum(first[name] * second[name] for name in first) / len(pairs) ** 2
    return {"agreement": agreed, "kappa": 1.0 if chance == 1 else (agreed - chance) / (1 - chance)}
