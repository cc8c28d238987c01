"""MLflow's limits and rules for names, in its words (``mlflow/utils/validation.py``)."""

import re
from collections.abc import Sequence
from typing import Protocol
from urllib.parse import urlparse

from shared.contracts.errors import DomainError, invalid, missing_resource
from shared.contracts.metrics import Point
from shared.contracts.runs import LogBatch
from shared.contracts.validation import invalid_value, shown
from shared.mlflow.trace_retention import RETENTION_TAG, milliseconds_of_tag
from shared.mlflow.validation import (
    bad_name,
    check_length,
    check_name,
    long_name_fault,
    name_fault,
    too_long,
)

MAX_METRICS_PER_BATCH = 1000
MAX_PARAMS_TAGS_PER_BATCH = 100
MAX_ENTITIES_PER_BATCH = 1000
MAX_ENTITY_KEY_LENGTH = 250
MAX_PARAM_VAL_LENGTH = 6000
MAX_TAG_VAL_LENGTH = 8000
MAX_EXPERIMENT_NAME_LENGTH = 500
MAX_EXPERIMENT_TAG_KEY_LENGTH = 250
MAX_EXPERIMENT_TAG_VAL_LENGTH = 20_000
MAX_ARTIFACT_LOCATION_LENGTH = 2048
LARGEST_FLOAT = 1.7976931348623157e308

_RUN_ID = re.compile(r"[0-9a-f]{32}")
_RUN_ID_CHARACTERS = re.compile(r"[a-zA-Z0-9][\w\-]{0,255}")


class Pair(Protocol):
    """A param or a tag: an entry of a batch, or a ``LogParam`` or ``SetTag`` itself."""

    key: str
    value: str


def check_metric(point: Point, index: int | None = None) -> None:
    """Raise DomainError if a point may not be logged; ``index`` is its position in a batch."""
    key = point["key"]
    # The hot path: almost all points are valid, so the reason is only looked for if there is one. The
    # length comes first, because name_fault caches each name.
    if point["timestamp"] < 0 or len(key) > MAX_ENTITY_KEY_LENGTH or name_fault(key):
        raise _metric_fault(point, "" if index is None else f"metrics[{index}].")


def _metric_fault(point: Point, path: str) -> DomainError:
    key, timestamp = point["key"], point["timestamp"]
    if fault := long_name_fault(key):
        return bad_name(f"{path}name", key, fault)
    if timestamp < 0:
        hint = (
            f"metric '{key}' (value={point['value']}). "
            "Timestamp must be a nonnegative long (64-bit integer) "
        )
        return invalid_value(f"{path}timestamp", timestamp, hint)
    return too_long("Metric name", MAX_ENTITY_KEY_LENGTH)


def checked_param(param: Pair, path: str = "") -> tuple[str, str]:
    """Return key and value; the value is cut to its limit.

    MLflow's server does so if MLFLOW_TRUNCATE_LONG_VALUES is true, which is its default.
    """
    check_name(f"{path}key", param.key)
    check_length("Param key", MAX_ENTITY_KEY_LENGTH, param.key)
    return param.key, param.value[:MAX_PARAM_VAL_LENGTH]


def checked_tag(tag: Pair, path: str = "") -> tuple[str, str]:
    """Return key and value; the value is cut to its limit, as in MLflow's server."""
    check_name(f"{path}key", tag.key)
    check_length(f"{path}key", MAX_ENTITY_KEY_LENGTH, tag.key)
    return tag.key, tag.value[:MAX_TAG_VAL_LENGTH]


def check_count(request: str, field: str, values: Sequence[object], most: int) -> None:
    """Raise DomainError unless a request names 1 to ``most`` values of a field, in MLflow's words."""
    if not values:
        raise invalid(f"{request} request must specify at least one {field}.")
    if len(values) > most:
        message = (
            f"{request} request cannot specify more than {most} {field}s. "
            f"Received {len(values)} {field}s."
        )
        raise invalid(message)


def check_batch_limits(batch: LogBatch) -> None:
    """Raise DomainError if a batch has too many entries."""
    metrics, params, tags = len(batch.metrics), len(batch.params), len(batch.tags)
    for entities, limit, count in (
        ("metrics", MAX_METRICS_PER_BATCH, metrics),
        ("params", MAX_PARAMS_TAGS_PER_BATCH, params),
        ("tags", MAX_PARAMS_TAGS_PER_BATCH, tags),
        ("metrics, params, and tags", MAX_ENTITIES_PER_BATCH, metrics + params + tags),
    ):
        if count > limit:
            message = (
                f"A batch logging request can contain at most {limit} {entities}. "
                f"Got {count} {entities}. Please split up {entities} across multiple requests "
                "and try again."
            )
            raise invalid(message)


def check_unique_params(params: Sequence[Pair]) -> None:
    """Raise DomainError if a batch has two params with one key, even with equal values."""
    seen: set[str] = set()
    twice = []
    for param in params:
        if param.key in seen:
            twice.append(param.key)
        seen.add(param.key)
    if twice:
        message = (
            f"Duplicate parameter keys have been submitted: {twice}. Please ensure the request "
            "contains only one param value per param key."
        )
        raise invalid(message)


def check_run_id(run_id: str) -> None:
    """Raise DomainError if a text can't be a run's id in any MLflow store."""
    if not _RUN_ID_CHARACTERS.fullmatch(run_id):
        message = f"Invalid value {shown(run_id)} for parameter 'run_id' supplied."
        raise invalid(message, "run_id")


def run_not_found(run_id: str) -> DomainError:
    """Return MLflow's error for a run that does not exist."""
    return missing_resource(f"Run with id={run_id} not found")


def run_not_active(run_id: str) -> DomainError:
    """Return MLflow's error for a write to a deleted run."""
    return invalid(f"The run {run_id} must be in the 'active' state. Current state is deleted.")


def is_run_id(run_id: str) -> bool:
    """Tell whether a text has the form of this server's run ids: 32 lower-case hexadecimal digits."""
    return _RUN_ID.fullmatch(run_id) is not None


def check_experiment_name(name: str) -> None:
    """Raise DomainError if the text can't be an experiment's name. Since MLflow 3.18 blank ones can't."""
    if not name.strip():
        raise invalid(f"Invalid experiment name: '{name}'")
    check_length("name", MAX_EXPERIMENT_NAME_LENGTH, name)


def check_experiment_tag(key: str, value: str) -> None:
    """Raise DomainError if an experiment can't have the tag. Long values are refused, not cut."""
    check_name("key", key)
    check_length("key", MAX_EXPERIMENT_TAG_KEY_LENGTH, key)
    check_length("value", MAX_EXPERIMENT_TAG_VAL_LENGTH, value)
    if key == RETENTION_TAG:
        milliseconds_of_tag(value)


def check_artifact_location(location: str) -> None:
    """Raise DomainError for a location that MLflow refuses.

    Source of the rules: ``_validate_storage_location_uri`` in ``mlflow/server/handlers.py``.
    """
    try:
        parsed = urlparse(location)
    except ValueError:
        message = f"Invalid artifact location: '{location}'"
        raise invalid(message) from None
    if parsed.fragment or parsed.params:
        message = "'artifact_location' URL can't include fragments or params."
        raise invalid(message)
    if ".." in parsed.query:
        raise invalid(f"Invalid query string: {parsed.query}")
    if location.startswith("runs:"):
        message = f"Artifact location cannot be a runs:/ URI. Given: '{location}'"
        raise invalid(message)
    check_length("artifact_location", MAX_ARTIFACT_LOCATION_LENGTH, location)
