"""What a gateway has seen: for Prometheus (`/metrics`) since its start, for alerts of the last minutes."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from afina.records import Fault, Interaction

WINDOW_S, MOST = 300.0, 50_000
SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
WHO = ("client", "task", "served_by", "variant")


@dataclass(frozen=True, slots=True)
class Past:
    """One request that is over: when, how long it took, whether the model failed."""

    at: float
    latency_ms: float
    failed: bool


class Waiting(Collector):
    """What is not in the database yet, asked when somebody looks."""

    def __init__(self, read: Callable[[], Mapping[str, float]]) -> None:
        self.read = read

    def collect(self) -> Iterable[Metric]:
        """One gauge a number."""
        for name, value in self.read().items():
            yield GaugeMetricFamily(f"afina_{name}", name.replace("_", " "), value=value)


class Seen:
    """Counts requests and feedback. Names of models come from settings and versions; of callers only the client is a label."""

    def __init__(self, waiting: Callable[[], Mapping[str, float]]) -> None:
        self.waiting = waiting
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "afina_requests", "Requests by outcome: ok, or whose fault it is", (*WHO, "outcome"), registry=self.registry
        )
        self.seconds = Histogram(
            "afina_request_seconds", "Time of an answer", ("client", "variant"), buckets=SECONDS, registry=self.registry
        )
        self.tokens = Counter("afina_tokens", "Tokens read and written", (*WHO, "direction"), registry=self.registry)
        self.cost = Counter(
            "afina_cost", "Cost of upstreams, in the currency of their prices", WHO, registry=self.registry
        )
        self.feedback = Counter("afina_feedback", "Feedback", ("client", "kind"), registry=self.registry)
        self.registry.register(Waiting(waiting))
        self.past: deque[Past] = deque(maxlen=MOST)
        self.since_feedback = 0
        """Answers since somebody said what they think of one."""

    def count(self, interaction: Interaction) -> None:
        """A request is over."""
        # An upstream's model may be named by the caller: its name would make as many series as callers like.
        served = interaction.served_by if interaction.variant != "upstream" else interaction.served_by.partition("/")[0]
        who = (interaction.client, interaction.task, served, interaction.variant)
        self.requests.labels(*who, interaction.fault.value or "ok").inc()
        latency = interaction.latency_ms or 0.0
        self.seconds.labels(interaction.client, interaction.variant).observe(latency / 1000)
        self.tokens.labels(*who, "in").inc(interaction.tokens_in or 0)
        self.tokens.labels(*who, "out").inc(interaction.tokens_out or 0)
        if interaction.cost:
            self.cost.labels(*who).inc(interaction.cost)
        if interaction.fault in {Fault.NONE, Fault.MODEL}:
            self.past.append(Past(time.monotonic(), latency, interaction.fault is Fault.MODEL))
            self.since_feedback += 1

    def heard(self, client: str, kind: str) -> None:
        """Somebody said something."""
        self.feedback.labels(client, kind).inc()
        self.since_feedback = 0

    def recent(self) -> list[Past]:
        """The last minutes' requests."""
        first = time.monotonic() - WINDOW_S
        while self.past and self.past[0].at < first:
            self.past.popleft()
        return list(self.past)

    def text(self) -> bytes:
        """In Prometheus' form."""
        return generate_latest(self.registry)
