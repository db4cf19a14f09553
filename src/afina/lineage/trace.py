"""The two ways along the wheel: back to the messages that a model learnt from, forward to the answers that a message reached.

Every step is a key of the database; nothing is read out of the form of an id.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from afina.errors import InputError
from afina.store.named import read_queries
from afina.store.pool import Connection, Row

QUERIES = read_queries("afina.lineage")
SHORT = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One record on the way, and those behind it."""

    kind: str
    id: str
    told: str
    """What a person knows it by."""
    behind: tuple["Node", ...] = ()


Step = Callable[[Connection, str], Iterator[tuple[str, str]]]
"""An id → kind and id of each record behind it."""


def why(session: Connection, identity: str, *, most: int = 0) -> Node:
    """Everything that an id came from: answer → version → run → dataset → examples → interactions → feedback.

    `most`: of each kind so many records behind one are followed, the others are named; 0 = all.

    Raises:
        InputError: nothing has this id.
    """
    return Walk(session, BACK, most).follow(*identified(session, identity))


def reached(session: Connection, identity: str, *, most: int = 0) -> Node:
    """Everything that an id reached: feedback → interaction → examples → datasets → runs → versions → rollouts.

    `most`: as of `why`.

    Raises:
        InputError: nothing has this id.
    """
    return Walk(session, FORTH, most).follow(*identified(session, identity))


def identified(session: Connection, identity: str) -> tuple[str, str]:
    """The kind and the id of what is called so.

    Raises:
        InputError: nothing is.
    """
    row = session.execute(QUERIES["identify"], {"id": identity}).fetchone()
    if row is None:
        raise InputError(
            f"nothing has the id {identity!r}",
            remedy="give the id of an answer, a request, feedback, an example, a dataset, a run, a version (or its name), a rollout, or a user",
        )
    return row["kind"], row["id"]


@dataclass(frozen=True, slots=True)
class Walk:
    """One way along the steps."""

    session: Connection
    steps: "dict[str, Step]"
    most: int
    seen: set[tuple[str, str]] = field(default_factory=set)

    def follow(self, kind: str, identity: str) -> Node:
        """A record and all behind it; one that was met before is named and not followed again."""
        told = tell(self.session, kind, identity)
        if (kind, identity) in self.seen:
            return Node(kind=kind, id=identity, told=told)
        self.seen.add((kind, identity))
        behind, followed = [], Counter[str]()
        for other, its_id in self.steps[kind](self.session, identity) if kind in self.steps else ():
            followed[other] += 1
            within = not self.most or followed[other] <= self.most
            behind.append(self.follow(other, its_id) if within else Node(kind=other, id=its_id, told=""))
        return Node(kind=kind, id=identity, told=told, behind=tuple(behind))


def rows(session: Connection, query: str, identity: str) -> list[Row]:
    """The rows of a query about an id."""
    return session.execute(QUERIES[query], {"id": identity}).fetchall()


def to(kind: str, query: str, column: str = "id") -> Step:
    """The step to the records that a query names."""

    def step(session: Connection, identity: str) -> Iterator[tuple[str, str]]:
        for row in rows(session, query, identity):
            if row[column]:
                yield kind, row[column]

    return step


def both(*steps: Step) -> Step:
    """Several steps, one after the other."""

    def step(session: Connection, identity: str) -> Iterator[tuple[str, str]]:
        for one in steps:
            yield from one(session, identity)

    return step


BACK: dict[str, Step] = {
    "rollout": to("version", "rollout", "model_version_id"),
    "version": to("run", "version", "run_id"),
    "run": to("dataset", "run", "dataset_id"),
    "dataset": to("example", "dataset_examples"),
    "curation": to("example", "curated_in"),
    "example": to("interaction", "example", "interaction_id"),
    "interaction": both(to("version", "interaction", "model_version_id"), to("feedback", "feedback_of")),
    "user": to("interaction", "interactions_of_user"),
}  # fmt: skip
FORTH: dict[str, Step] = {
    "user": to("interaction", "interactions_of_user"),
    "feedback": to("interaction", "interactions_of_feedback"),
    "interaction": to("example", "examples_of"),
    "curation": to("example", "curated_in"),
    "example": to("dataset", "datasets_of"),
    "dataset": to("run", "runs_on"),
    "run": to("version", "versions_of"),
    "version": to("rollout", "rollouts_of"),
}  # fmt: skip


def short(text: Any) -> str:
    """A text on one line."""
    line = " ".join(str(text).split())
    return line if len(line) <= SHORT else f"{line[:SHORT]}…"


def tell(session: Connection, kind: str, identity: str) -> str:
    """What a person knows a record by."""
    if kind in {"user", "curation"}:
        return ""
    found = rows(session, kind, identity)
    return TOLD[kind](session, found[0]) if found else ""


def told_example(_session: Connection, row: Row) -> str:
    """Why it is learnt, or not."""
    if not row["kept"]:
        return f"{short(row['answer'])}; rejected by {row['step']}: {row['reason']}"
    source = "" if row["interaction_id"] else "; from outside: no interaction"
    return f"{short(row['answer'])}; {row['evidence'] or 'no evidence'}{source}"


def told_dataset(_session: Connection, row: Row) -> str:
    """How much is in it."""
    parts = ", ".join(f"{n} {name}" for name, n in (row["rows"] or {}).items())
    return f"{row['task']}: {parts}" + (f"; {row['erased_rows']} rows erased" if row["erased_rows"] else "")


def told_version(session: Connection, row: Row) -> str:
    """Its name, where it stands, what it answered."""
    answers = rows(session, "answered_by", row["id"])[0]["answers"]
    verdict = {True: "go", False: "no go", None: "not judged"}[row["go"]]
    must = f"; must be rebuilt: {row['must_rebuild']}" if row["must_rebuild"] else ""
    return f"{row['name']}: {verdict}, {row['status']}, {answers:,} answers{must}"


TOLD: dict[str, Callable[[Connection, Row], str]] = {
    "interaction": lambda _, row: (
        f"{short(row['text'])} → {short(row['answer'])} ({row['served_by'] or row['source']})"
    ),
    "feedback": lambda _, row: f"{row['kind']} {row['rating'] or ''} {short(row['value'])}".replace("  ", " "),
    "example": told_example,
    "dataset": told_dataset,
    "run": lambda _, row: f"{row['state']} on {row['base']}",
    "version": told_version,
    "rollout": lambda _, row: f"{row['state']}, {row['share']:.0%}",
}
