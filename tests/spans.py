"""Traces that are kept in memory."""

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.tracing.spans import SpanTracing

CLIENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE, PARENT = (int(part, 16) for part in CLIENT.split("-")[1:3])


class Recorded:
    """A tracing, and what it has recorded."""

    def __init__(self, sampler=None):
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider(sampler=sampler, shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracing = SpanTracing(provider)

    @property
    def spans(self):
        return self._exporter.get_finished_spans()

    def named(self, name):
        return [span for span in self.spans if span.name == name]

    def one(self, name):
        [span] = self.named(name)
        return span

    def text(self):
        """All that would leave the process."""
        return "\n".join(span.to_json() for span in self.spans)


def is_child(span, parent):
    return span.parent.span_id == parent.context.span_id and same_trace(span, parent)


def same_trace(span, other):
    return span.context.trace_id == other.context.trace_id
