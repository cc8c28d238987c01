"""Measures requests by the route that they took: rate, errors and duration."""

from collections.abc import Callable

from shared.runtime.histogram import Series  # noqa: TC001  # As TC002.
from shared.runtime.metrics import HTTP_DURATION, HTTP_REJECTIONS

Measure = Callable[[int, float], None]
"""Counts an answer by its status, 0 for none, and its seconds."""

_REJECTIONS = {status: HTTP_REJECTIONS.labels(status) for status in (429, 503)}


def measuring(route: str, method: str) -> Measure:
    """Make the function that measures a route's answers; ``route`` is a path template."""
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
