"""What Prometheus reads."""

from dataclasses import replace

from afina.records import Fault
from afina.serve.metrics import Seen
from tests.unit.serve.test_alerts import ONE


def test_counts_are_by_who_answered_and_callers_make_no_series() -> None:
    """The name of an upstream's model comes from whoever asks: it is no label."""
    seen = Seen(lambda: {"spool_bytes": 7.0})
    seen.count(replace(ONE, latency_ms=300.0, tokens_in=5, tokens_out=2, cost=0.5))
    seen.count(replace(ONE, served_by="there/other", fault=Fault.MODEL))
    seen.heard("c", "rated")
    text = seen.text().decode()

    for outcome in ("ok", "model"):
        assert f'{{client="c",outcome="{outcome}",served_by="there",task="t",variant="upstream"}} 1.0' in text
    assert "other" not in text
    assert "afina_spool_bytes 7.0" in text
    assert 'afina_feedback_total{client="c",kind="rated"} 1.0' in text
    assert 'afina_request_seconds_bucket{client="c",le="0.5",variant="upstream"} 2.0' in text


def test_the_past_is_five_minutes_long() -> None:
    """Older requests say nothing of now."""
    seen = Seen(dict)
    seen.count(ONE)
    seen.past[0] = replace(seen.past[0], at=seen.past[0].at - 301)
    seen.count(ONE)

    assert len(seen.recent()) == 1
