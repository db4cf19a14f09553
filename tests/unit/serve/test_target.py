"""Who is asked, in which order."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from afina.ids import ClientId, ModelVersionId
from afina.runtime import Worker
from afina.serve.fleet import Fleet
from afina.serve.news import News
from afina.serve.route import LiveVersion, Wanted, bucket
from afina.serve.target import Targets, TaskForm, Upstream, cost
from afina.settings import RuntimeSettings

OWN = ClientId("own")
ONE, TWO = Upstream(name="one", url="http://one"), Upstream(name="two", url="http://two", model="big")


def live(name: str, *, canary: bool = False, client: ClientId = OWN) -> LiveVersion:
    """A live version."""
    return LiveVersion(
        id=ModelVersionId(name), name=name, task="t", gguf="", rollout="r", canary=canary, share=0.3, client=client
    )


def targets(*versions: LiveVersion, upstreams: tuple[Upstream, ...] = (), dead: str = "") -> Targets:
    """A fleet with a worker for each version."""
    fleet = Fleet(list, RuntimeSettings(), logs=Path(), news=News(lambda _: False))
    fleet.live = list(versions)
    for one in versions:
        process = cast("Any", SimpleNamespace(poll=lambda name=one.name: 1 if name == dead else None))
        fleet.workers[one.id] = Worker(url=f"http://{one.name}", process=process, log=Path(), base=Path())
    return Targets(fleet, upstreams, form=lambda _: TaskForm("t"))


def names(found: Targets, user: str = "", model: str = "", client: ClientId = OWN) -> list[str]:
    """Who is asked."""
    return [target.name for target in found.of(Wanted(client=client, user=user, model=model))]


LUCKY = next(u for u in map(str, range(100)) if bucket(u, salt="r") < 0.3)
OTHER = next(u for u in map(str, range(100)) if bucket(u, salt="r") >= 0.3)


def test_versions_first_then_upstreams_in_their_order() -> None:
    """Behind a canary stands production, behind both the upstreams."""
    found = targets(live("v1"), live("v2", canary=True), upstreams=(ONE, TWO))

    assert names(found, LUCKY) == ["v2", "v1", "one", "two/big"]
    assert names(found, OTHER) == ["v1", "one", "two/big"]
    assert [t.variant for t in found.of(Wanted(client=OWN, user=LUCKY))] == [
        "canary",
        "production",
        "upstream",
        "upstream",
    ]


def test_beside_an_upstream_a_canary_serves_its_share_only() -> None:
    """Alone it serves everybody."""
    assert names(targets(live("v2", canary=True), upstreams=(ONE,)), OTHER) == ["one"]
    assert names(targets(live("v2", canary=True), upstreams=(ONE,)), LUCKY) == ["v2", "one"]
    assert names(targets(live("v2", canary=True)), OTHER) == ["v2"]


def test_a_version_answers_its_own_client_only() -> None:
    """Another one's is not there for it, by whatever name."""
    found = targets(live("v1", client=ClientId("acme")))

    assert names(found) == []
    assert names(found, model="v1") == []
    assert names(found, client=ClientId("acme")) == ["v1"]


def test_who_is_down_is_left_out_and_who_failed_lately_asked_last() -> None:
    """A dead worker; an upstream that did not answer."""
    found = targets(live("v1"), live("v2", canary=True), upstreams=(ONE, TWO), dead="v2")
    found.failed(found.behind("", client=OWN)[0])

    assert names(found, LUCKY) == ["v1", "two/big", "one"]


def test_an_upstream_can_be_named() -> None:
    """It alone is asked then; any other model's name is passed on to it."""
    found = targets(live("v1"), upstreams=(ONE, TWO))

    assert names(found, model="two") == ["two/big"]
    assert names(targets(upstreams=(ONE,)), model="gpt-x") == ["one/gpt-x"]


def test_prices_are_of_a_million_tokens() -> None:
    """Read and written ones."""
    assert cost(Upstream(name="x", url="", price_in=2, price_out=8), 1_000_000, 500_000) == 6
