"""Measures rate, errors and duration of requests by route."""

from collections.abc import Callable

from shared.runtime.histogram import Series  # noqa: TC001  # See TC002 in pyproject.toml.
from shared.runtime.metrics import HTTP_DURATION, HTTP_REJECTIONS

Measure = Callable[[int, float], None]
"""Measures one answer from its status and its duration in seconds. Status 0 means that no answer was sent."""

_REJECTIONS = {status: HTTP_REJECTIONS.labels(status) for status in (429, 503)}


def measuring(route: str, method: str) -> Measure:
    """Return the function that measures a route's answers. ``route`` is a path template."""
    # The series of a status is looked up once and kept, because this runs for every request.
    durations: dict[int, Series] = {}

    def measure(status: int, seconds: float) -> None:
        duration = durations.get(status)
        if duration is None:
            kind = f"{status // 100}xx" if status else "aborted"
            duration = durations[status] = HTTP_DURATION.labels(route, method, kind)
        duration.observe(seconds)
        if status in _REJECTIONS:
            _REJECTIONS[status].inc()

    return measure
