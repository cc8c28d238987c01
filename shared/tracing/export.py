"""Sends spans to a collector, from a thread of its own and in batches."""

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio

from shared.runtime.settings import TracingSettings
from shared.tracing.spans import SpanTracing

_EXPORT_SECONDS = 5.0
"""How long a batch is tried; a process that leaves waits no longer for a collector that is away."""


def exporting(service: str, settings: TracingSettings) -> SpanTracing:
    """Trace to the collector that the settings name; one that is away loses spans, nothing else."""
    provider = TracerProvider(
        sampler=ParentBasedTraceIdRatio(settings.ratio),
        resource=Resource.create({"service.namespace": "warren", "service.name": service}),
        shutdown_on_exit=False,
    )
    exporter = OTLPSpanExporter(endpoint=settings.endpoint, timeout=_EXPORT_SECONDS)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return SpanTracing(provider)
