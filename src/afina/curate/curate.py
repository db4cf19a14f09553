"""Exchanges → judged examples: every row through the steps of rows, then the steps over all rows. Drops nothing."""

import itertools
import pickle
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, fields, replace
from hashlib import blake2b
from typing import Any

from afina.curate.steps import OF_TABLES, Plan, make_plan
from afina.curate.table import Measured, Table, measured, packed, unpacked
from afina.errors import CurateError
from afina.files.own_code import place_of
from afina.ids import example_id
from afina.records import Curated, Example, Exchange, FeedbackKind, Judged, Origin, StepCount, Turn
from afina.tasks import Task

CHUNK = 500
"""Exchanges that a worker gets at once."""
AHEAD = 8
"""Chunks that wait for workers or for the table."""
FEW = 10
"""So many failures of a step are no reason to stop, however few rows there are."""
FAILED = "the step failed: "


@dataclass(frozen=True, slots=True)
class Opening:
    """How a worker in another process makes the plan: `open` and `key` can be pickled, and an equal key is the same plan."""

    key: str
    open: Callable[[], Plan]


OPENED: dict[str, Plan] = {}


def curate(
    exchanges: Iterable[Exchange], plan: Plan | Task, *, tell: Callable[[int], None] = lambda _: None
) -> Curated:
    """Judge exchanges here; later ones are newer.

    Raises:
        CurateError: a step failed on too many rows.
    """
    plan = plan if isinstance(plan, Plan) else make_plan(plan)
    return gathered((judge_chunk(plan, chunk) for chunk in chunks(exchanges)), plan, tell=tell)


def curate_over(
    executor: Executor, exchanges: Iterable[Exchange], opening: Opening, *, tell: Callable[[int], None] = lambda _: None
) -> Curated:
    """The same with single rows judged by any executor's workers: processes of this machine, or of several.

    Raises:
        CurateError: a step failed on too many rows.
    """

    def judged() -> Iterator[list[Measured]]:
        waiting = []
        for chunk in chunks(exchanges):
            waiting.append(executor.submit(judge_elsewhere, opening, pickle.dumps([sent(one) for one in chunk])))
            if len(waiting) >= AHEAD:
                yield waiting.pop(0).result()
        while waiting:
            yield waiting.pop(0).result()

    return gathered(judged(), opening.open(), tell=tell)


def chunks(exchanges: Iterable[Exchange]) -> Iterator[list[Exchange]]:
    """Some hundreds at a time."""
    rows = iter(exchanges)
    while chunk := list(itertools.islice(rows, CHUNK)):
        yield chunk


FIELDS = tuple(one.name for one in fields(Exchange) if one.name not in {"turns", "judged"})


def sent(exchange: Exchange) -> tuple[Any, ...]:
    """An exchange as plain values: pickling frozen records takes three times as long."""
    turns = [(turn.role, turn.content) for turn in exchange.turns]
    return turns, [packed(one) for one in exchange.judged], [getattr(exchange, name) for name in FIELDS]


def received(values: tuple[Any, ...]) -> Exchange:
    """The exchange again."""
    turns, judged, others = values
    return Exchange(
        turns=tuple(Turn(role, content) for role, content in turns),
        judged=tuple(unpacked(one) for one in judged),
        **dict(zip(FIELDS, others, strict=True)),
    )


def judge_elsewhere(opening: Opening, chunk: bytes) -> list[Measured]:
    """A chunk in a worker, which makes its plan once."""
    if opening.key not in OPENED:
        OPENED[opening.key] = opening.open()
    exchanges = [received(one) for one in pickle.loads(chunk)]  # noqa: S301 - of the process that asks
    return judge_chunk(OPENED[opening.key], exchanges)


def judge_chunk(plan: Plan, chunk: Sequence[Exchange]) -> list[Measured]:
    """The rows of some exchanges, each judged by itself."""
    found = []
    for exchange in chunk:
        fingerprint = fingerprint_of(exchange, plan)
        reused = bool(exchange.judged) and all(one.fingerprint == fingerprint for one in exchange.judged)
        for judged in known(exchange) if reused else judge(plan, exchange, fingerprint):
            found.append(measured(judged, plan.task, reused=reused))
    return found


def known(exchange: Exchange) -> Iterator[Judged]:
    """What the last curation made of an exchange that has not changed since, as it was before the steps over all rows."""
    for one in exchange.judged:
        yield replace(one, step="", reason="") if one.step in OF_TABLES else one


def judge(plan: Plan, exchange: Exchange, fingerprint: str) -> Iterator[Judged]:
    """The examples of an exchange, each judged by itself."""
    try:
        examples = list(plan.task.kind.examples(plan.task, plan.scrub(exchange)))
    except Exception as exc:  # a kind or a recogniser may be the user's own
        yield Judged(example=unmade(exchange), step="collect", reason=failure(exc), fingerprint=fingerprint)
        return
    for made in examples:
        example = replace(made, origin=origin_of(exchange, made))
        yield replace(judge_example(plan, example), fingerprint=fingerprint)


def judge_example(plan: Plan, example: Example) -> Judged:
    """An example through the steps of rows."""
    for name, step in plan.rows:
        try:
            found = step(example, plan.task)
        except Exception as exc:  # a step may be the user's own
            return Judged(example=example, step=name, reason=failure(exc))
        if isinstance(found, Example):
            example = found
        elif found:
            return Judged(example=example, step=name, reason=str(found))
    return Judged(example=example)


def failure(exc: Exception) -> str:
    """Why a step could not judge a row."""
    where = place_of(exc)
    return f"{FAILED}{where + ': ' if where else ''}{type(exc).__name__}: {exc}"


def unmade(exchange: Exchange) -> Example:
    """An exchange of which no example could be made."""
    return Example(
        id=example_id(exchange.id),
        turns=exchange.turns,
        answer=exchange.answer,
        group=exchange.group,
        source=exchange.id,
    )


def origin_of(exchange: Exchange, made: Example) -> Origin:
    """Where an example comes from."""
    if exchange.kind in {FeedbackKind.CORRECTED, FeedbackKind.ACCEPTED}:
        evidence = exchange.kind.value
    elif exchange.evidence in {"rating", "sale"}:
        evidence = exchange.evidence
    else:
        evidence = "reaction" if exchange.reaction or exchange.quality is not None else ""
    return Origin(
        user=exchange.user,
        conversation=exchange.conversation,
        source=exchange.source,
        evidence=evidence,
        predicted=exchange.answer if exchange.kind is FeedbackKind.CORRECTED and exchange.answer != made.answer else "",
        confidence=exchange.confidence,
        latency_ms=exchange.latency_ms,
        error=exchange.error,
        findings=exchange.findings,
        at=exchange.at,
    )


def fingerprint_of(exchange: Exchange, plan: Plan) -> str:
    """Of everything that the judgement of its rows hangs on."""
    said = repr((plan.fingerprint, replace(exchange, judged=())))
    return blake2b(said.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def gathered(judged: Iterable[Sequence[Measured]], plan: Plan, *, tell: Callable[[int], None]) -> Curated:
    """Rows into the table, then the steps over all of them.

    Raises:
        CurateError: a step failed on too many rows.
    """
    table = Table()
    rejected: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    reused = 0
    for chunk in judged:
        for one in chunk:
            table.add(one)
            reused += one.reused
            if one.step:
                rejected[one.step] += 1
            if one.reason.startswith(FAILED):
                failed[one.step] += 1
                most = max(FEW, plan.task.curate.max_failed * len(table))
                if failed[one.step] > most and len(table) >= CHUNK:
                    raise too_many(one.step, one.reason, failed[one.step], len(table))
        tell(len(table))
    for name, count in failed.items():
        if count > max(FEW, plan.task.curate.max_failed * len(table)):
            reason = next(one.reason for one in table if one.step == name and one.reason.startswith(FAILED))
            raise too_many(name, reason, count, len(table))
    return Curated(judged=table, steps=tuple(counted(table, plan, rejected)), reused=reused)


def too_many(step: str, reason: str, count: int, rows: int) -> CurateError:
    """The error that ends a curation."""
    return CurateError(
        f"the step {step!r} failed on {count} of {rows} rows, with {reason.removeprefix(FAILED)}",
        remedy="mend the step; `curate.max_failed` is the share of rows that may fail",
    )


def counted(table: Table, plan: Plan, rejected: Counter[str]) -> Iterator[StepCount]:
    """Run the steps over all rows; how many rows every step got and rejected."""
    left = len(table)
    for name in ("collect", *(name for name, _ in plan.rows)):
        yield StepCount(name=name, rows=left, rejected=rejected[name])
        left -= rejected[name]
    for name, step in plan.tables:
        step(table, plan.task)
        now = len(table.alive())
        yield StepCount(name=name, rows=left, rejected=left - now)
        left = now
