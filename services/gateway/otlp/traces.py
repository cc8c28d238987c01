"""What spans say about their traces: tags, session, user and previews."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

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


class Said(NamedTuple):
    """What one span says about its trace. Tags of a root span count more than those of a resource."""

    tags: Mapping[str, str]
    root_tags: Mapping[str, str]
    metadata: Mapping[str, str]
    request_preview: str | None
    response_preview: str | None

    @property
    def size(self) -> int:
        """The number of characters."""
        previews = (self.request_preview or "", self.response_preview or "")
        labels = (self.tags, self.root_tags, self.metadata)
        return sum(map(len, previews)) + sum(
            len(key) + len(value) for each in labels for key, value in each.items()
        )


def said_by(read: ReadSpan, resource: Resource) -> Said:
    """Return what a span says about its trace."""
    attributes = read.attributes
    is_root = not read.span.parent_span_id
    inputs = attributes.get(names.INPUTS) if is_root else None
    outputs = attributes.get(names.OUTPUTS) if is_root else None
    return Said(
        resource.tags,
        _tags(attributes) if is_root else {},
        _metadata(attributes),
        preview(inputs, "user") if inputs else None,
        preview(outputs, "assistant") if outputs else None,
    )


def _tags(attributes: Attributes) -> Mapping[str, str]:
    return {
        key: tag_value(plain(text))
        for name, text in attributes.items()
        if (key := name.removeprefix(names.TRACE_TAG)) != name
        and key not in _OWN_TAGS
        and is_tag_key(key)
    }


def _metadata(attributes: Attributes) -> Mapping[str, str]:
    found: dict[str, str] = {}
    if text := attributes.get(names.SESSION) or attributes.get(names.CONVERSATION):
        session = plain(text)
        found[SESSION] = session if len(session) <= SESSION_LENGTH else ""
    if text := attributes.get(names.USER):
        found[USER] = plain(text)
    return {name: tag_value(value) for name, value in found.items() if value}


class Traces:
    """The traces of the spans of one command."""

    def __init__(self) -> None:
        self._by_id: dict[str, SpannedTrace] = {}

    def __iter__(self) -> Iterator[SpannedTrace]:
        return iter(self._by_id.values())

    def __contains__(self, trace_id: str) -> bool:
        return trace_id in self._by_id

    def add(self, trace_id: str, said: Said) -> None:
        """Take what a span says. What the first spans say counts, but for the tags of a root span."""
        trace = self._by_id.get(trace_id)
        if trace is None:
            trace = self._by_id[trace_id] = SpannedTrace(trace_id=trace_id)
        for key, value in said.tags.items():
            trace.tags.setdefault(key, value)
        trace.tags.update(said.root_tags)
        for key, value in said.metadata.items():
            trace.metadata.setdefault(key, value)
        if said.request_preview and not trace.request_preview:
            trace.request_preview = said.request_preview
        if said.response_preview and not trace.response_preview:
            trace.response_preview = said.response_preview
