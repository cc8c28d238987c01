"""Histograms with cheap observations.

prometheus-client's histograms take two locks and a Python loop for each observation, about a microsecond.
All of Warren's observations happen on the event loop's thread, so these need no lock. The cumulative
counts for Prometheus are computed at each scrape.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import HistogramMetricFamily, Metric
from prometheus_client.utils import floatToGoString


class Series:
    """The observations under one set of labels."""

    __slots__ = ("_bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float, times: int = 1) -> None:
        """Count a value, observed so many times. Not thread-safe."""
        self.sum += value * times
        self.counts[bisect_left(self._bounds, value)] += times


class Histogram:
    """A histogram metric. It keeps one series for each combination of label values."""

    def __init__(
        self,
        name: str,
        text: str,
        labels: Sequence[str],
        buckets: Sequence[float],
        registry: CollectorRegistry,
    ) -> None:
        self._name, self._text = name, text
        self._label_names = labels
        self._bounds = tuple(buckets)
        self._series: dict[tuple[str, ...], Series] = {}
        registry.register(self)

    def labels(self, *values: str) -> Series:
        """Return the series of these label values, given in the order of the label names. Raises ValueError."""
        if len(values) != len(self._label_names):
            message = f"{self._name} has the labels {self._label_names}."
            raise ValueError(message)
        series = self._series.get(values)
        if series is None:
            series = self._series[values] = Series(self._bounds)
        return series

    def collect(self) -> Iterator[Metric]:
        """Yield all series in Prometheus's form, in which each bucket includes the smaller ones."""
        family = HistogramMetricFamily(self._name, self._text, labels=self._label_names)
        bounds = [*map(floatToGoString, self._bounds), "+Inf"]
        for values, series in self._series.items():
            sums = accumulate(series.counts)
            family.add_metric(values, [*zip(bounds, sums, strict=True)], series.sum)
        yield family
