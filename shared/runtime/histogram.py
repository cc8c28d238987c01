"""Histograms that cost next to nothing where they are used.

prometheus-client's take two locks and a loop in Python for each observation, about a microsecond.
Everything of ours that is measured happens on the event loop's one thread: no lock is needed, and
the sums that Prometheus wants to see are added up when it asks for them.
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

    def observe(self, value: float) -> None:
        """Count a value; not safe to be called from several threads."""
        self.sum += value
        self.counts[bisect_left(self._bounds, value)] += 1


class Histogram:
    """A metric; its series are kept by the values of its labels."""

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
        """Return the series of these labels, in the order of their names."""
        if len(values) != len(self._label_names):
            message = f"{self._name} has the labels {self._label_names}."
            raise ValueError(message)
        series = self._series.get(values)
        if series is None:
            series = self._series[values] = Series(self._bounds)
        return series

    def collect(self) -> Iterator[Metric]:
        """Write all series as Prometheus reads them: each bucket counts those below it too."""
        family = HistogramMetricFamily(self._name, self._text, labels=self._label_names)
        bounds = [*map(floatToGoString, self._bounds), "+Inf"]
        for values, series in self._series.items():
            sums = accumulate(series.counts)
            family.add_metric(values, [*zip(bounds, sums, strict=True)], series.sum)
        yield family
