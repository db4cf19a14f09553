"""OpenTelemetry spans: a request, each target that was asked for it, and its record, joined by `afina.request_id`, which rows carry too.

Without the SDK a span costs two microseconds and goes nowhere. With `OTEL_EXPORTER_OTLP_ENDPOINT` in the environment `afina serve` sends them there.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from importlib import import_module

from opentelemetry import trace
from opentelemetry.trace import Span

from afina.errors import SettingsError

TRACER = trace.get_tracer("afina")
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


def span(name: str, **attributes: str | float) -> AbstractContextManager[Span]:
    """A span around a block. No text that somebody wrote belongs into it."""
    return TRACER.start_as_current_span(name, attributes={f"afina.{key}": value for key, value in attributes.items()})


def send_traces(environment: Mapping[str, str]) -> bool:
    """Send spans where the environment says, by OpenTelemetry's own variables. Whether it says so.

    Raises:
        SettingsError: it does, and what sends them is not installed.
    """
    if not environment.get(ENDPOINT):
        return False
    try:
        sdk = import_module("opentelemetry.sdk.trace")
        export = import_module("opentelemetry.sdk.trace.export")
        otlp = import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
        resources = import_module("opentelemetry.sdk.resources")
    except ImportError as exc:
        raise SettingsError(
            f"{ENDPOINT} is set, and {exc.name} is not installed", remedy="pip install 'afina[otel]'"
        ) from exc
    provider = sdk.TracerProvider(resource=resources.Resource.create({"service.name": "afina"}))
    provider.add_span_processor(export.BatchSpanProcessor(otlp.OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return True
