"""Spans go where the environment says, and nowhere otherwise."""

import sys

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from afina.errors import SettingsError
from afina.tracing import ENDPOINT, send_traces, span


def test_spans_are_named_and_nested(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request's id is on each of them."""
    kept, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    monkeypatch.setattr("afina.tracing.TRACER", provider.get_tracer("afina"))
    with span("answer", request_id="req_1"), span("ask", request_id="req_1", target="v1"):
        pass
    ask, answer = kept.get_finished_spans()

    assert (answer.name, ask.name) == ("answer", "ask")
    assert ask.parent is not None
    assert ask.parent.span_id == answer.context.span_id
    assert dict(ask.attributes or {}) == {"afina.request_id": "req_1", "afina.target": "v1"}


def test_nothing_is_sent_unless_the_environment_says_so() -> None:
    """Offline by default."""
    before = trace.get_tracer_provider()

    assert not send_traces({})
    assert trace.get_tracer_provider() is before


def test_what_sends_them_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused at the start, with the command that installs it."""
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(SettingsError, match=ENDPOINT):
        send_traces({ENDPOINT: "http://127.0.0.1:4318"})
