"""The rules for names and tags of traces, in the words of MLflow.

Sources: ``mlflow/utils/validation.py`` and ``_validate_trace_tag_handler_mutation`` in ``mlflow/server/handlers.py``.
"""

from collections.abc import Collection, Mapping

from shared.contracts.errors import DomainError, invalid, missing_resource
from shared.mlflow.validation import check_length, check_name

TRACE_NAME = "mlflow.traceName"
SPANS_LOCATION = "mlflow.trace.spansLocation"
ARTIFACT_LOCATION = "mlflow.artifactLocation"
SOURCE_RUN = "mlflow.sourceRun"
SESSION = "mlflow.trace.session"
SIZE_STATS = "mlflow.trace.sizeStats"
TOKEN_USAGE = "mlflow.trace.tokenUsage"  # noqa: S105  # A key of metadata.
COST = "mlflow.trace.cost"
FINALIZED = "mlflow.trace.infoFinalized"

TRACKING_STORE = "TRACKING_STORE"
"""The value of ``SPANS_LOCATION`` for spans that are kept here. Clients then ask for them and read no artifact."""

LONGEST_KEY = 250
LONGEST_TAG = 8000
LONGEST_METADATA = 8000
"""Characters in MLflow's columns. Longer values of tags and metadata are cut."""

LONGEST_PREVIEW = 1000

_MANAGED = frozenset(
    {SPANS_LOCATION, "mlflow.trace.archiveLocation", "mlflow.trace.archivalFailure"}
)
MOST_LINKS = 100
"""Traces that one request may link to a run: ``MAX_TRACE_LINKS_PER_REQUEST``."""


def trace_not_found(trace_id: str) -> DomainError:
    """Return MLflow's error for a trace that does not exist."""
    return missing_resource(f"Trace with ID '{trace_id}' not found.")


def check_tag(key: str, operation: str) -> None:
    """Raise DomainError unless a client may change a tag; ``operation`` is ``set`` or ``deleted``."""
    if key in _MANAGED:
        raise invalid(f"Tag '{key}' is immutable and cannot be {operation} on a trace.")


def check_tag_key(key: str) -> None:
    """Raise DomainError unless a tag may have this key."""
    check_name("key", key)
    check_length("key", LONGEST_KEY, key)


def check_links(trace_ids: Collection[str]) -> None:
    """Raise DomainError unless one request may link so many traces to a run."""
    if len(trace_ids) > MOST_LINKS:
        message = (
            f"Cannot link more than {MOST_LINKS} traces to a run in a single request. "
            f"Provided {len(trace_ids)} traces."
        )
        raise invalid(message)


def stored(labels: Mapping[str, str], what: str, longest: int) -> dict[str, str]:
    """Return labels as they are stored: long values are cut. Raises DomainError for a long key."""
    for key in labels:
        check_length(f"{what} key", LONGEST_KEY, key)
    return {key: value[:longest] for key, value in labels.items() if key}


def preview(text: str | None) -> str | None:
    """Return a preview as it is stored."""
    return text and text[:LONGEST_PREVIEW]
