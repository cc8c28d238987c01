"""Normalized pointwise mutual information of two events, as in ``mlflow/store/analytics/trace_correlation.py``."""

from dataclasses import dataclass
from math import log

JEFFREYS_PRIOR = 0.5
"""What the smoothed value adds to each case."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many traces there are, how many satisfy each filter, and how many both."""

    total: int
    first: int
    second: int
    joint: int


def npmi(counts: Counts, smoothing: float = 0.0) -> float | None:
    """Return how much the filters hold together: 1 always, 0 as by chance, -1 never; None if one holds nowhere."""
    if not counts.first or not counts.second:
        return None
    if not smoothing and not counts.joint:
        return -1.0
    if counts.joint == counts.first == counts.second == counts.total:
        return 1.0
    both = counts.joint + smoothing
    first, second = counts.first + 2 * smoothing, counts.second + 2 * smoothing
    total = counts.total + 4 * smoothing
    mutual = log(both) + log(total) - log(first) - log(second)
    return max(-1.0, min(1.0, mutual / (log(total) - log(both))))
