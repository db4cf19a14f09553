"""What a canary's traffic says."""

import numpy as np
import pytest

from afina.release.canary import DRAWS, look
from afina.release.draws import Seen
from afina.settings import ReleaseSettings
from tests.unit.release.streams import stream

RULES = ReleaseSettings(guardrails={"errors": 0.02, "latency": 1.5, "feedback": 0.05}, signals={})


@pytest.mark.parametrize(("worst", "harm"), [("feedback", 0.15), ("errors", 0.1), ("latency", 2.5)])
def test_a_harm_is_found_and_named(worst: str, harm: float) -> None:
    """Each alone, long before the end of the stream."""
    found = look(stream(4000, {worst: harm}), RULES)

    assert found.harmful_at is not None
    assert found.harmful_at < 2000
    assert found.worst == worst


def test_a_version_as_good_is_proven() -> None:
    """On all guardrails, and not before all of them."""
    found = look(stream(12_000), RULES)

    assert found.harmful_at is None
    assert found.proven_at is not None
    assert not found.unproven
    assert all(one.needed == 0 for one in found.readings)


def test_how_many_users_are_missing_is_about_right() -> None:
    """Of errors that nobody has seen yet, as many as the largest bet needs."""
    rules = ReleaseSettings(guardrails={"errors": 0.05}, signals={})
    few = look(stream(100, {"errors": -0.01}), rules).readings[0]

    assert 60 < few.needed < 160
    assert look(stream(100 + 2 * few.needed, {"errors": -0.01}), rules).readings[0].needed == 0


def test_what_nobody_spoke_of_is_not_proven() -> None:
    """Errors and latency alone say nothing of the answers."""
    events = {name: one for name, one in stream(12_000).items() if name != "feedback"}

    found = look(events, RULES)

    assert found.proven_at is None
    assert found.silent == ("feedback",)
    assert not found.unproven


def test_a_signal_decides_nothing() -> None:
    """It is named."""
    rules = ReleaseSettings(guardrails={"errors": 0.02}, signals={"feedback": 0.05})

    found = look(stream(4000, {"feedback": 0.2}), rules)

    assert found.harmful_at is None
    assert found.signals == ("feedback",)


def test_a_broken_draw_is_seen() -> None:
    """A third met it where half was drawn."""
    assert look(stream(1500, drawn=0.33), RULES).mismatch > 1000
    assert look(stream(1500), RULES).mismatch < 20


def test_one_loud_user_decides_nothing() -> None:
    """Ten thousand failures of one person are one."""
    n = 10_000
    loud = Seen(
        at=np.arange(n),
        user=np.zeros(n, dtype=np.int64),
        canary=np.ones(n, dtype=bool),
        share=np.full(n, 0.5),
        value=np.ones(n),
    )

    found = look({DRAWS: loud, "errors": loud}, RULES)

    assert found.harmful_at is None
    assert found.readings[0].canary_users == 1


def test_looking_later_does_not_change_what_was_seen() -> None:
    """The event that decided is the same one, however much came after it."""
    whole = stream(3000, {"feedback": 0.2})
    found = look(whole, RULES)
    assert found.harmful_at is not None
    cut = {
        name: Seen(at=one.at[:k], user=one.user[:k], canary=one.canary[:k], share=one.share[:k], value=one.value[:k])
        for name, one in whole.items()
        for k in [found.harmful_at + 1]
    }

    assert look(cut, RULES).harmful_at == found.harmful_at
