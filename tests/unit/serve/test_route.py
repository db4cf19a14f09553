"""Routing by share."""

from hypothesis import given
from hypothesis import strategies as st

from afina.ids import ModelVersionId
from afina.serve import LiveVersion, bucket, choose
from afina.serve.route import NOBODY, Choice, Draw, Wanted


def live(name: str, *, canary: bool = False, share: float = 1.0, task: str = "t") -> LiveVersion:
    """A live version."""
    return LiveVersion(
        id=ModelVersionId(name), name=name, task=task, gguf="", rollout=f"r-{name}", canary=canary, share=share
    )


OLD, NEW = live("old"), live("new", canary=True, share=0.2)


@given(st.text())
def test_a_user_always_meets_the_same_version(user: str) -> None:
    """Sticky, whatever the order of the list."""
    assert choose([OLD, NEW], user) == choose([NEW, OLD], user)


def test_the_share_is_met() -> None:
    """20 % of 20,000 users, within four standard errors."""
    share = sum(choose([OLD, NEW], f"user-{i}").version == NEW for i in range(20_000)) / 20_000

    assert abs(share - 0.2) < 4 * (0.2 * 0.8 / 20_000) ** 0.5


def test_raising_the_share_only_adds_users() -> None:
    """Nobody is moved back when the canary grows."""
    users = [f"u{i}" for i in range(500)]
    small = {u for u in users if bucket(u, salt="r") < 0.1}

    assert small <= {u for u in users if bucket(u, salt="r") < 0.5}


def test_other_rollouts_try_other_users() -> None:
    """The salt keeps it from being the same people every time."""
    first = {i for i in range(1000) if bucket(str(i), salt="a") < 0.2}
    second = {i for i in range(1000) if bucket(str(i), salt="b") < 0.2}

    assert len(first & second) < 100


def test_names_and_tasks_select() -> None:
    """A version by name, a task's versions by task, nothing from nothing."""
    other = live("else", task="chat")

    assert choose([OLD, NEW, other], "u", model="new") == Choice(NEW)
    assert choose([OLD, other], "u", model="chat") == Choice(other)
    assert choose([], "u") == Choice()
    assert choose([NEW], "u") == Choice(NEW), "alone it is no canary: nothing is drawn"


def test_a_draw_is_told_with_its_share() -> None:
    """On either side; who has no name is not drawn, and meets production."""
    for user in map(str, range(40)):
        found = choose([OLD, NEW], user)
        assert found.draw == Draw(rollout="r-new", canary=found.version == NEW, share=0.2)
    assert choose([OLD, NEW], "") == Choice(OLD)
    named, without = Wanted(client=NOBODY, user="u", conversation="c"), Wanted(client=NOBODY, conversation="c")
    assert (named.person, without.person, Wanted(client=NOBODY).person) == ("u", "conversation/c", "")
