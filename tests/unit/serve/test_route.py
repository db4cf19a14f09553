"""Routing by share."""

from hypothesis import given
from hypothesis import strategies as st

from afina.ids import ModelVersionId
from afina.serve import LiveVersion, bucket, choose


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
    share = sum(choose([OLD, NEW], f"user-{i}") == NEW for i in range(20_000)) / 20_000

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

    assert choose([OLD, NEW, other], "u", model="new") == NEW
    assert choose([OLD, other], "u", model="chat") == other
    assert choose([], "u") is None
    assert choose([NEW], "u") == NEW
