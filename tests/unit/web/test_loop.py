"""Drift over the generations, drawn."""

from datetime import UTC, datetime

from afina.loop.report import Generation
from afina.web.loop import drift_plots


def generation(number: int, **own: float) -> Generation:
    """A version with these means."""
    return Generation(
        name=f"semilla-x:v{number}",
        made=datetime(2026, 1, number, tzinfo=UTC),
        status="archived",
        outcome="go",
        because="better",
        own=own,
        base={"exact": 0.1},
    )


def test_every_measure_is_drawn_over_the_generations() -> None:
    """Ours and the frozen base's; a measure that some lack is drawn where it is; one generation is no line."""
    plots = dict(drift_plots([generation(1, exact=0.5), generation(2, exact=0.6, rules=0.9)]))

    assert list(plots) == ["exact", "rules"]
    assert all(plot.startswith("<svg") for plot in plots.values())
    assert ">v1<" in plots["exact"]
    assert drift_plots([generation(1, exact=0.5)]) == []
