"""The demo's honesty."""

from typing import Any

from afina.demo.story import honest_failure


def report(**changes: Any) -> dict[str, Any]:
    """A demo report that is a success, with changes to its task."""
    task = {
        "task": "classify",
        "p_value": 0.001,
        "base": {"score": 0.1},
        "tuned": {"score": 0.7},
        "baselines": {"majority": {"score": 0.3}},
    }
    return {"tasks": [{**task, **changes}], "canary": {"action": "promote", "reason": ""}}


def test_the_demo_cannot_lie() -> None:
    """Not better than the base, than the majority class, or not promoted: each is a failure in words."""
    assert honest_failure(report()) == ""
    assert "not better" in honest_failure(report(p_value=0.2))
    assert "not better" in honest_failure(report(tuned={"score": 0.05}))
    assert "majority" in honest_failure(report(tuned={"score": 0.25}))
    assert "not promoted" in honest_failure({**report(), "canary": {"action": "roll_back", "reason": "slow"}})
