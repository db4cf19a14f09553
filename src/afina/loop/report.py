"""The fortnightly report: what was asked, what people said, what the loop did and why, and every measure over the generations. Data and Markdown."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from afina.flows.evidence import Evidence, new_evidence
from afina.flows.project import Project
from afina.loop.diary import QUERIES, Happened
from afina.store.pool import Row
from afina.texts import t


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """A tuned version: its means by measure, beside those of the untuned base on the same questions."""

    name: str
    made: datetime
    status: str
    outcome: str
    because: str
    own: dict[str, float]
    base: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopReport:
    """A time and everything that happened in it."""

    client: str
    task: str
    since: datetime
    until: datetime
    traffic: Sequence[Row]
    moves: Sequence[Row]
    events: Sequence[Happened]
    generations: Sequence[Generation]
    evidence: Evidence | None


def report_of(project: Project, *, until: datetime, days: float) -> LoopReport:
    """Read it from the database."""
    since, task = until - timedelta(days=days), project.task.name
    span = {"task": task, "since": since, "until": until}
    with project.session() as session:
        traffic = session.execute(QUERIES["traffic"], span).fetchall()
        moves = session.execute(QUERIES["moves"], span).fetchall()
        events = [Happened(**row) for row in session.execute(QUERIES["events_between"], span).fetchall()]
        judged = session.execute(QUERIES["generations"], {"task": task}).fetchall()
    return LoopReport(
        client=project.client,
        task=task,
        since=since,
        until=until,
        traffic=traffic,
        moves=moves,
        events=events,
        generations=[generation(row) for row in judged],
        evidence=new_evidence(project) if project.ledger.kept() else None,
    )


def generation(row: Row) -> Generation:
    """A judged version from its stored verdict."""
    verdict = row["verdict"]
    arms = {arm["name"]: {name: one["score"] for name, one in arm["scores"].items()} for arm in verdict["arms"]}
    return Generation(
        name=row["name"],
        made=row["created_at"],
        status=row["status"],
        outcome=verdict["outcome"],
        because=verdict["because"],
        own=arms.get(verdict["b"], {}),
        base=arms.get("base", {}),
    )


def as_json(report: LoopReport) -> dict[str, Any]:
    """For scripts."""
    return asdict(report)


def markdown(report: LoopReport) -> str:
    """The report as text that any mail or forge shows."""
    lines = [
        f"# {report.task}: {report.since:%Y-%m-%d} – {report.until:%Y-%m-%d}",
        "",
        *(f"- {line}" for line in summary(report)),
        "",
        f"## {t('Traffic')}",
        "",
        *table(TRAFFIC, [traffic_cells(row) for row in report.traffic]),
        "",
        f"## {t('What the loop did')}",
        "",
        *(f"- {one.at:%Y-%m-%d %H:%M} **{t(one.step)}** ({t(one.outcome)}): {t(one.because)}" for one in report.events),
        "",
        f"## {t('Before users')}",
        "",
        *(
            f"- {row['at']:%Y-%m-%d %H:%M} {row['name']}: {t(row['from_state'] or 'new')} → {t(row['to_state'])}, {row['actor']}: {t(row['reason'])}"
            for row in report.moves
        ),
        "",
        f"## {t('Generations')}",
        "",
        *table(
            (t("version"), t("status"), t("verdict"), t("measures")), [generation_cells(g) for g in report.generations]
        ),
        "",
    ]
    return "\n".join(lines)


TRAFFIC = ("model", "variant", "answers", "users", "errors", "p95 ms", "decided", "accepted", "quality")
"""Columns of the traffic."""


def traffic_cells(row: Row) -> list[str]:
    """A line of the traffic."""
    share = f"{row['accepted'] / row['decided']:.0%}" if row["decided"] else "–"
    p95 = f"{row['p95_ms']:.0f}" if row["p95_ms"] is not None else "–"
    quality = f"{row['quality']:.1f}" if row["quality"] is not None else "–"
    counts = [f"{row[name]:,}" for name in ("answers", "users", "errors")]
    return [
        row["model"],
        t(row["variant"]) if row["variant"] else "–",
        *counts,
        p95,
        f"{row['decided']:,}",
        share,
        quality,
    ]


def generation_cells(one: Generation) -> list[str]:
    """A line of the generations: every measure, with the base's beside it."""
    means = ", ".join(
        f"{name} {value:.3g}" + (f" ({t('base')} {one.base[name]:.3g})" if name in one.base else "")
        for name, value in one.own.items()
    )
    return [one.name, t(one.status), f"{t(one.outcome)}: {t(one.because)}", means]


def summary(report: LoopReport) -> list[str]:
    """The fortnight in a few sentences."""
    answers = sum(row["answers"] for row in report.traffic)
    decided = sum(row["decided"] for row in report.traffic)
    accepted = sum(row["accepted"] for row in report.traffic)
    said = [t(f"{answers:,} answers, {decided:,} of them decided by people, {accepted:,} accepted")]
    trained = sum(one.step in {"train", "resume"} and one.outcome == "done" for one in report.events)
    promoted = sum(row["to_state"] == "production" and row["from_state"] == "canary" for row in report.moves)
    withdrawn = sum(row["to_state"] == "rolled_back" for row in report.moves)
    said.append(t(f"{trained} trainings, {promoted} promotions, {withdrawn} taken back"))
    if report.evidence is not None:
        said.append(t(report.evidence.because))
    return said


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table; a bar in a cell would end it."""
    if not rows:
        return ["–"]
    cells = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    return [f"| {' | '.join(map(t, head))} |", f"|{'---|' * len(head)}", *(f"| {' | '.join(row)} |" for row in cells)]
