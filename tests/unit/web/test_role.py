"""A role's page."""

from pathlib import Path

from afina.flows.role_quality import Month, Reached, RoleQuality
from afina.web.role import write_role_page

REACHED = [
    Reached(name="base", free={"role_score": 0.1}, bound={"role_score": 0.7}),
    Reached(name="v1 <b>", free={"role_score": 0.625}, bound={}, outcome="go", because="surely better"),
]


def month(name: str, stars: float | None) -> Month:
    """A month."""
    return Month(month=name, runs=3, rated=2, good=1, stars=stars, score=0.5)


def page(tmp_path: Path, reached: list[Reached], months: list[Month]) -> str:
    """What is written."""
    out = tmp_path / "report.html"
    write_role_page(RoleQuality(role="ba", source="v1.gguf", reached=reached, months=months), out)
    return out.read_text("utf-8")


def test_the_page_shows_generations_and_months(tmp_path: Path) -> None:
    """Free with bound in brackets, names escaped, a plot of the generations and one of the ratings; nothing is loaded from anywhere."""
    text = page(tmp_path, REACHED, [month("2026-01", 3.5), month("2026-02", 4.25)])
    assert "<td>0.1 (0.7)</td>" in text
    assert "<td>0.625</td>" in text
    assert "v1 &lt;b&gt;" in text
    assert "ba_requirements_metric" not in text
    assert text.count("<svg") == 2
    assert "<script" not in text
    assert "src=" not in text


def test_what_is_not_there_is_not_drawn(tmp_path: Path) -> None:
    """One rated month is no line; without generations there is no table of them."""
    text = page(tmp_path, [], [month("2026-01", 3.5), month("2026-02", None)])
    assert "<svg" not in text
    assert "2026-02" in text
    assert "Nobody has asked" in page(tmp_path, REACHED, [])
