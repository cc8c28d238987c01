"""The values of assessments: how they are read from requests, stored as JSON, and written in replies.

A value travels as ``google.protobuf.Value``, whose numbers are doubles: 5 becomes 5.0, and is stored so. The value of
an expectation may travel as JSON in a text instead. There integers stay, and MLflow's replies write lists and objects
so. Sources: ``mlflow/entities/assessment.py`` and ``assessment_aggregate`` in
``mlflow/store/tracking/utils/trace_analytics.py``.
"""

import json
import math
from typing import Any

from pydantic_core import from_json

from shared.contracts.assessments import Assessment, Expectation
from shared.contracts.errors import DomainError, invalid

JSON_FORMAT = "JSON_FORMAT"


def read_value(given: Assessment) -> tuple[str, Any]:
    """Return the kind of an assessment and its value. Raises DomainError if it has none, or several."""
    kinds = {"feedback": given.feedback, "expectation": given.expectation, "issue": given.issue}
    found = [kind for kind, value in kinds.items() if value is not None]
    if not found:
        message = "Unknown assessment type: None"
        raise invalid(message, "assessment")
    if len(found) > 1:
        message = f"An assessment can have only one of {', '.join(found)}."
        raise invalid(message, "assessment")
    if given.feedback is not None:
        return "feedback", as_proto(given.feedback.value)
    if given.expectation is not None:
        return "expectation", read_expectation(given.expectation)
    return "issue", {"issue_name": (given.issue and given.issue.issue_name) or ""}


def read_expectation(given: Expectation) -> Any:
    """Return the value of an expectation. Raises DomainError unless it has one."""
    if given.serialized_value is None:
        value = as_proto(given.value)
    else:
        serialized = given.serialized_value
        if serialized.serialization_format != JSON_FORMAT:
            message = (
                f"Unknown serialization format: {serialized.serialization_format or ''}. "
                "Only JSON_FORMAT is supported."
            )
            raise invalid(message)
        try:
            value = from_json(serialized.value or "")
        except ValueError as error:
            message = f"The serialized value of an expectation is no JSON: {error}"
            raise invalid(message) from None
        if isinstance(value, int):
            # Replies write it as a double.
            as_proto(value)
    if value is None:
        message = "The `value` field must be specified."
        raise invalid(message)
    return value


def as_proto(value: Any) -> Any:
    """Return a value as it is after it was a ``google.protobuf.Value``. Raises DomainError for too large a number."""
    # The recursion is bounded: the parser refuses JSON that is nested more than 200 deep.
    if isinstance(value, dict):
        return {key: as_proto(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_proto(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            raise _not_finite() from None
    return value


def to_text(value: Any) -> str:
    """Return a value as it is stored and searched: as JSON. Raises DomainError for NaN and infinities."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except ValueError:
        raise _not_finite() from None


def _not_finite() -> DomainError:
    return invalid("Numbers in the value of an assessment must be finite, and fit into a double.")


def number_of(value: Any) -> float | None:
    """Return a number that searches can compare; None for every other value. ``true`` is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def expectation_json(text: str) -> dict[str, Any]:
    """Return the JSON of an expectation of which this is the stored value."""
    value = from_json(text)
    if isinstance(value, dict | list):
        return {"serialized_value": {"serialization_format": JSON_FORMAT, "value": text}}
    return {"value": as_proto(value)}
