"""Who may answer a request, in order: a live version of this project first, then the upstreams."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from afina.ids import ClientId
from afina.runtime import Worker
from afina.serve.fleet import Fleet
from afina.serve.route import Draw, LiveVersion, Wanted
from afina.settings import UpstreamSettings

DOWN_S = 5.0
"""For so long an upstream that did not answer is asked last."""
MILLION = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """Another server: see `[upstream.NAME]` of the settings. `key` is its value, read from the environment."""

    name: str
    url: str
    model: str = ""
    key: str = ""
    timeout_s: float = 120.0
    retries: int = 1
    price_in: float = 0.0
    price_out: float = 0.0


def cost(prices: Upstream | UpstreamSettings, tokens_in: int, tokens_out: int) -> float:
    """What so many tokens cost."""
    return (tokens_in * prices.price_in + tokens_out * prices.price_out) / MILLION


@dataclass(frozen=True, slots=True)
class TaskForm:
    """The task that is asked of upstreams: its name, under which their answers are recorded, how a model that was not tuned is told what to do, and
    what binds its answers.
    """

    task: str = ""
    prompt: str = ""
    schema: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A live version with its worker, or an upstream."""

    name: str
    task: str
    url: str
    """Up to `/v1`."""
    version: LiveVersion | None = None
    worker: Worker | None = None
    upstream: Upstream | None = None
    draw: Draw | None = None
    """What decided that this one, or those behind it, are asked."""

    @property
    def variant(self) -> str:
        """production, canary or upstream, as it is recorded."""
        if self.version is None:
            return "upstream"
        return "canary" if self.version.canary else "production"


def nothing(_: ClientId) -> TaskForm:
    """No task."""
    return TaskForm()


class Targets:
    """Fleet and upstreams together. `form`: how a client's task is asked of an upstream; what one client's data taught is told to no other."""

    def __init__(
        self, fleet: Fleet, upstreams: Sequence[Upstream] = (), *, form: Callable[[ClientId], TaskForm] = nothing
    ) -> None:
        self.fleet, self.upstreams, self.form = fleet, upstreams, form
        self.down: dict[str, float] = {}

    def of(self, wanted: Wanted) -> list[Target]:
        """In the order in which they are asked; empty: nobody answers.

        An upstream stands where production would: beside it a canary serves its share, without it a canary alone serves everybody. A caller may
        name an upstream as the model.
        """
        behind = self.behind(wanted.model, client=wanted.client)
        if any(one.name == wanted.model for one in self.upstreams):
            return behind
        found, draw = self.fleet.routes(wanted, has_production=bool(behind))
        return [replace(one, draw=draw) for one in (*map(local, found), *behind)]

    def behind(self, model: str, *, client: ClientId) -> list[Target]:
        """The upstreams: the one that is named, or all, those that did not answer lately last."""
        wanted = [one for one in self.upstreams if one.name == model] or list(self.upstreams)
        now = time.monotonic()
        in_order = sorted(wanted, key=lambda one: now - self.down.get(one.name, -DOWN_S) < DOWN_S)
        return [
            Target(name=named(one, model), task=self.form(client).task, url=one.url, upstream=one) for one in in_order
        ]

    def failed(self, target: Target) -> None:
        """An upstream did not answer."""
        if target.upstream is not None:
            self.down[target.upstream.name] = time.monotonic()


def named(upstream: Upstream, model: str) -> str:
    """upstream/model, as it is recorded."""
    asked = upstream.model or (model if model != upstream.name else "")
    return f"{upstream.name}/{asked}".rstrip("/")


def local(found: tuple[LiveVersion, Worker]) -> Target:
    """A version of this project."""
    version, worker = found
    return Target(name=version.name, task=version.task, url=f"{worker.url}/v1", version=version, worker=worker)
