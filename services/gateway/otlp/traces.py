"""What spans say about their traces: tags, session, user and previews."""

from collections.abc import Iterator

from services.gateway.otlp import attributes as names
from services.gateway.otlp.attributes import Attributes, plain
from services.gateway.otlp.previews import preview
from services.gateway.otlp.resources import Resource, is_tag_key, tag_value
from services.gateway.otlp.spans import ReadSpan
from shared.contracts.spans import SpannedTrace

SESSION = "mlflow.trace.session"
USER = "mlflow.trace.user"
SESSION_LENGTH = 250
"""Characters of a session's id (``MAX_CHARS_IN_TRACE_INFO_METADATA``)."""

_OWN_TAGS = frozenset({"mlflow.artifactLocation", "mlflow.trace.spansLocation"})
"""Tags that say where the server keeps a trace. Clients can't choose that."""


class Traces:
    """The traces of the spans of one command."""

    def __init__(self) -> None:
        self._by_id: dict[str, SpannedTrace] = {}

    def __iter__(self) -> Iterator[SpannedTrace]:
        return iter(self._by_id.values())

    def add(self, read: ReadSpan, resource: Resource) -> None:
        """Take what a span says about its trace. What the first spans say counts, but for tags of the root span."""
        trace = self._by_id.get(read.span.trace_id)
        if trace is None:
            trace = self._by_id[read.span.trace_id] = SpannedTrace(trace_id=read.span.trace_id)
        attributes = read.attributes
        trace.tags = {**resource.tags, **trace.tags}
        session = attributes.get(names.SESSION) or attributes.get(names.CONVERSATION)
        if session and len(plain(session)) <= SESSION_LENGTH:
            trace.metadata.setdefault(SESSION, tag_value(plain(session)))
        if user := attributes.get(names.USER):
            trace.metadata.setdefault(USER, tag_value(plain(user)))
        if not read.span.parent_span_id:
            _add_root(trace, attributes)


def _add_root(trace: SpannedTrace, attributes: Attributes) -> None:
    for name, text in attributes.items():
        key = name.removeprefix(names.TRACE_TAG)
        if key != name and key not in _OWN_TAGS and is_tag_key(key):
            trace.tags[key] = tag_value(plain(text))
    if inputs := attributes.get(names.INPUTS):
        trace.request_preview = trace.request_preview or preview(inputs, "user")
    if outputs := attributes.get(names.OUTPUTS):
        trace.response_preview = trace.response_preview or preview(outputs, "assistant")
