"""The verdict on a model that repeats secrets."""

from dataclasses import replace
from typing import Any, cast

import pytest

from afina.chat.render import Rendered
from afina.errors import InputError
from afina.evaluate.memorisation import Memory
from afina.flows.memorisation import held, require_learnt
from afina.freeze.canaries import planted
from afina.records import Cause, Outcome, Turn, Verdict
from tests.unit.freeze.test_canaries import dataset
from tests.unit.verdict.test_judge import arm, verdict

LEAK = Memory(planted=50, extracted=20, rate=0.4, high95=0.53, by_repeats={"8": (20, 20)}, membership=0.97)


class Template:
    """A renderer whose loss counts so many of its tokens."""

    def __init__(self, counted: int, length: int = 20) -> None:
        self.rendered = Rendered(tuple(range(length)), tuple(n >= length - counted for n in range(length)))

    def training(self, chat: tuple[Turn, ...], *, only_last: bool) -> Rendered:
        """The same for every chat."""
        del chat, only_last
        return self.rendered


def go() -> Verdict:
    """A verdict that would put the model in front of users."""
    return verdict(arm("base", 10), arm("tuned", 50))


def test_a_leak_is_a_no_go_and_says_why_first() -> None:
    """However much better the model is."""
    found = held(go(), LEAK, most=0.1)

    assert (found.outcome, found.cause) == (Outcome.NO_GO, Cause.MEMORISED)
    assert "20 of 50 planted secrets" in found.because == found.reasons[0]


def test_under_the_limit_it_is_only_told() -> None:
    """And nothing is told where nothing was planted."""
    found = held(go(), replace(LEAK, extracted=0, high95=0.058), most=0.1)

    assert found.outcome is Outcome.GO
    assert "0 of 50" in found.reasons[-1]
    assert held(go(), None, most=0.1) == go()


@pytest.mark.parametrize(("template", "most"), [(Template(2), 512), (Template(12), 10)])
def test_a_secret_that_is_not_learnt_measures_nothing(template: Template, most: int) -> None:
    """Masked away, or cut by the longest length: refused before training."""
    with pytest.raises(InputError, match="planted secret"):
        require_learnt(planted(dataset(), 4), cast(Any, template), most_tokens=most)
    require_learnt(planted(dataset(), 4), cast(Any, Template(12)), most_tokens=512)
