"""What spans say about their traces."""

from collections import defaultdict
from collections.abc import Sequence

from services.traces.store.traces import MetTrace
from services.traces.validation import preview
from shared.contracts.spans import LogSpans, Span, SpannedTrace

_TO_MILLISECONDS = 1_000_000


def grouped(spans: Sequence[Span]) -> dict[str, list[Span]]:
    """Return the spans of each trace."""
    groups: defaultdict[str, list[Span]] = defaultdict(list)
    for span in spans:
        groups[span.trace_id].append(span)
    return groups


def met_traces(cmd: LogSpans) -> list[MetTrace]:
    """Return the traces as their spans, and what comes with them, describe them."""
    said = {each.trace_id: each for each in cmd.traces}
    return [_met(key, group, said.get(key)) for key, group in grouped(cmd.spans).items()]


def _met(trace_id: str, group: Sequence[Span], said: SpannedTrace | None) -> MetTrace:
    ends = [span.end_time_ns for span in group if span.end_time_ns is not None]
    roots = [span for span in group if not span.parent_span_id and span.end_time_ns is not None]
    state = None
    if roots:
        state = "ERROR" if roots[-1].status == "ERROR" else "OK"
    return MetTrace(
        trace_id,
        min(span.start_time_ns for span in group) // _TO_MILLISECONDS,
        max(ends) // _TO_MILLISECONDS if ends else None,
        state,
        preview(said.request_preview if said else None),
        preview(said.response_preview if said else None),
    )
