"""Sends spans to a collector, in batches and from a separate thread."""

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio

from shared.runtime.settings import TracingSettings
from shared.tracing.spans import SpanTracing

_EXPORT_SECONDS = 5.0
"""Limit for sending one batch. A closing process waits no longer for an unreachable collector."""


def exporting(service: str, settings: TracingSettings) -> SpanTracing:
    """Return a tracing that sends to the settings' collector. If it is unreachable, only spans are lost."""
    provider = TracerProvider(
        sampler=ParentBasedTraceIdRatio(settings.ratio),
        resource=Resource.create({"service.namespace": "warren", "service.name": service}),
        shutdown_on_exit=False,
    )
    exporter = OTLPSpanExporter(endpoint=settings.endpoint, timeout=_EXPORT_SECONDS)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return SpanTracing(provider)
