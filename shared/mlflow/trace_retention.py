"""How long traces are kept: MLflow's durations, and the tag by which an experiment chooses its own.

Source: ``_validate_trace_archival_retention_string`` and ``_parse_trace_archival_duration_config`` in
``mlflow/utils/validation.py``. MLflow's server moves expired traces into an archive; Warren deletes them.
"""

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import from_json

from shared.contracts.errors import DomainError, invalid

RETENTION_TAG = "mlflow.trace.archivalRetention"
"""A tag of an experiment. Its value is JSON: ``{"type": "duration", "value": "30d"}``."""

LONGEST = 32
"""Characters of a duration in MLflow."""

_DURATION = re.compile(r"([1-9][0-9]*)([mhd])", re.ASCII)
_MILLISECONDS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000}
_MOST = 100 * 365 * _MILLISECONDS["d"]
"""A hundred years. What is longer counts as that."""


def milliseconds(duration: str) -> int:
    """Return a duration of minutes, hours or days, as ``30d``, in milliseconds. Raises DomainError as MLflow does."""
    text = duration.strip()
    if len(text) > LONGEST:
        message = "Trace archival duration must be at most 32 characters."
        raise invalid(message)
    match = _DURATION.fullmatch(text)
    if match is None:
        message = (
            "Trace archival retention must be in the form `<int><unit>`, "
            "where unit is one of 'm', 'h', or 'd'."
        )
        raise invalid(message)
    return min(int(match[1]) * _MILLISECONDS[match[2]], _MOST)


def milliseconds_of_tag(value: str) -> int:
    """Return the duration in the value of an experiment's tag. Raises DomainError as MLflow does."""
    try:
        config = from_json(value)
    except ValueError:
        config = None
    if not isinstance(config, dict):
        message = "Trace archival config must be encoded as a JSON object."
        raise invalid(message)
    if config.get("type") != "duration":
        message = "Trace archival config must use type 'duration'."
        raise invalid(message)
    return milliseconds(config["value"] if isinstance(config.get("value"), str) else "")


@dataclass(frozen=True, slots=True)
class Retention:
    """The operator's choice, in milliseconds.

    Without a ``default`` no trace expires. An experiment's tag may choose less, as in MLflow, and more up to
    ``longest``.
    """

    default: int | None = None
    longest: int | None = None

    def chosen(self, tag: str | None) -> int | None:
        """Return how long the traces of an experiment with this tag are kept; None: for ever.

        A tag that can't be read, which MLflow's server ignores, too, chooses nothing.
        """
        if self.default is None or tag is None:
            return self.default
        try:
            wanted = milliseconds_of_tag(tag)
        except DomainError:
            return self.default
        return min(wanted, max(self.default, self.longest or 0))


def _checked(duration: str) -> str:
    try:
        if duration:
            milliseconds(duration)
    except DomainError as error:
        raise ValueError(error.message) from None
    return duration


Duration = Annotated[str, AfterValidator(_checked)]
"""A setting: a duration, or empty."""


def retention_of(default: str, longest: str) -> Retention:
    """Return the operator's choice in two settings, each a duration or empty."""
    return Retention(
        milliseconds(default) if default else None, milliseconds(longest) if longest else None
    )
