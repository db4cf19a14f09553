"""The fortnightly report."""

from datetime import UTC, datetime
from pathlib import Path

from afina.flows.project import Project
from afina.flows.rollouts import release_direct
from afina.loop import diary
from afina.loop.diary import Happened
from afina.loop.report import as_json, markdown, report_of
from afina.web.loop import write_loop_page
from tests.unit.verdict.test_judge import arm, verdict


def test_a_fortnight_as_text_page_and_data(people: Project, tmp_path: Path) -> None:
    """What people said, what the loop did and why, every measure over the generations; nothing of before."""
    now = datetime.now(UTC)
    version = people.ledger.version("v1")
    people.ledger.save_verdict(verdict(arm("base", 0), arm("tuned", 60)), version.id, people.ledger.dataset().id)
    (people.paths.data / version.gguf).write_bytes(b"GGUF")
    release_direct(people, version, actor="ana", reason="first | of all")
    with people.session() as session:
        for at, because in ((now, "the daily curation is due"), (datetime(2020, 1, 1, tzinfo=UTC), "long ago")):
            diary.write(session, Happened(step="curate", outcome="done", because=because, at=at), task=people.task.name)

    report = report_of(people, until=datetime.now(UTC), days=14)
    text = markdown(report)
    write_loop_page(report, tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text("utf-8")

    assert [one.because for one in report.events] == ["the daily curation is due"]
    [generation] = report.generations
    assert (generation.own["exact"], generation.base["exact"]) == (1.0, 0.0)
    assert "| v1 |" in text
    assert "exact 1 (base 0)" in text
    for shown in (text, page):
        assert "not enough new evidence: 0 new rows of 100" in shown
        assert "first | of all" in shown
        assert "long ago" not in shown
    assert as_json(report)["task"] == people.task.name
