"""The requests that are measured: each is a row of the tables."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.bench.peers import FASTTRACKML, MLFLOW, WARREN
from tests.bench.scale.dataset import Dataset
from tests.bench.scale.loader import Place

ALL = (WARREN, FASTTRACKML, MLFLOW)
_FEW = 50
"""Items of a page that must be fast."""

_SMALL = 100_000
"""Runs in a project up to which such a page takes half as long as it may take in a larger one."""

_HISTORY_PAGE = 25_000
"""Points of a page of MLflow's clients."""

_SAMPLED_RUNS = 10
_STEPS = 320
_MILLION_RUN, _WIDE_RUN = 10, 11

Body = Mapping[str, Any]
Searches = Sequence[tuple[str, Body]]
"""Names of rows and what they ask for."""


@dataclass(frozen=True)
class Bound:
    """What Warren's answer may take.

    With ``times`` it is also at least so many times as fast as FastTrackML's, or takes under ``FAST`` milliseconds.
    """

    FAST = 10.0

    milliseconds: float
    times: float | None = None

    def met(self, milliseconds: float, times: float | None) -> bool:
        """Tell whether a time meets it; ``times`` is None if FastTrackML does not answer."""
        if milliseconds > self.milliseconds:
            return False
        if self.times is None or times is None:
            return True
        return times >= self.times or milliseconds < self.FAST

    def __str__(self) -> str:
        """Write it as the page does."""
        if self.times is None:
            return f"{self.milliseconds:,.0f} ms"
        return f"{self.milliseconds:,.0f} ms, {self.times:.0f} times"


@dataclass(frozen=True)
class Request:
    """A GET with a query, or a POST with a body."""

    path: str
    query: Sequence[tuple[str, Any]] = ()
    body: Body | None = None


@dataclass(frozen=True)
class Row:
    """One row: the request as a place needs it, and who answers it.

    A paged one is repeated with the token of each page until there is no next one.
    """

    name: str
    request: Callable[[Place], Request]
    bound: Bound
    peers: Sequence[str] = field(default=ALL)
    paged: bool = False


_RUNS: Searches = (
    ("newest 50", {}),
    ("`metrics.m3 > 0.99`", {"filter": "metrics.m3 > 0.99"}),
    ("`metrics.m3 > 0.9999`", {"filter": "metrics.m3 > 0.9999"}),
    ("`metrics.m3 DESC`", {"order_by": ["metrics.m3 DESC"]}),
    (
        "`params.p3 = '7'`, `metrics.m3 DESC`",
        {"filter": "params.p3 = '7'", "order_by": ["metrics.m3 DESC"]},
    ),
    ("`params.p3 = 'nope'`", {"filter": "params.p3 = 'nope'"}),
    ("`tags.t1 = '4' and metrics.m2 < 0.01`", {"filter": "tags.t1 = '4' and metrics.m2 < 0.01"}),
    (
        "`params.p1 LIKE '9%'`, `params.p1`",
        {"filter": "params.p1 LIKE '9%'", "order_by": ["params.p1"]},
    ),
    ("`run_name ILIKE '%9999%'`", {"filter": "attributes.run_name ILIKE '%9999%'"}),
    ("newest 1,000", {"max_results": 1_000}),
    ("newest 10,000", {"max_results": 10_000}),
)
_PAGES = {1_000: Bound(80), 10_000: Bound(800)}


def search_rows(dataset: Dataset) -> list[Row]:
    """Return searches in one experiment, and in all of them if there are several."""
    rows = list(_searches("", slice(1), dataset))
    if dataset.experiments > 1:
        rows += _searches(f" in {dataset.experiments:,} experiments", slice(None), dataset)
    return rows


def _searches(where: str, experiments: slice, dataset: Dataset) -> Iterator[Row]:
    few = Bound(50 if dataset.runs <= _SMALL else 100, times=3)
    for name, body in _RUNS:
        bound = _PAGES.get(body.get("max_results"), few)
        yield Row(f"{name}{where}", partial(_search, body, experiments), bound)


def _search(body: Body, experiments: slice, place: Place) -> Request:
    ids = place.experiments[experiments]
    body = {"max_results": _FEW, **body, "experiment_ids": ids}
    return Request("api/2.0/mlflow/runs/search", body=body)


def history_rows() -> list[Row]:
    """Return requests for runs with many points or many metrics."""
    return [
        Row(
            f"{_SAMPLED_RUNS} runs of 300,000 points, {_STEPS} steps",
            _sampled,
            Bound(150),
            (WARREN, MLFLOW),
        ),
        Row("a million points at once", _history, Bound(5_000)),
        Row("a million points in pages", _pages, Bound(5_000), (WARREN, MLFLOW), paged=True),
        Row("`runs/get`, 2,000 metrics", _wide, Bound(30)),
    ]


def _sampled(place: Place) -> Request:
    query = [("run_ids", run) for run in place.long_runs[:_SAMPLED_RUNS]]
    query += [("metric_key", "m0"), ("max_results", str(_STEPS))]
    return Request("ajax-api/2.0/mlflow/metrics/get-history-bulk-interval", query)


def _history(place: Place) -> Request:
    query = [("run_id", place.long_runs[_MILLION_RUN]), ("metric_key", "m0")]
    return Request("api/2.0/mlflow/metrics/get-history", query)


def _pages(place: Place) -> Request:
    first = _history(place)
    return Request(first.path, [*first.query, ("max_results", _HISTORY_PAGE)])


def _wide(place: Place) -> Request:
    return Request("api/2.0/mlflow/runs/get", [("run_id", place.long_runs[_WIDE_RUN])])


_MODELS: Searches = (
    ("by name", {}),
    ("`name LIKE 'model-19%'`", {"filter": "name LIKE 'model-19%'"}),
    ("`tags.t0 = '4'`, last updated", {"filter": "tags.t0 = '4'", "order_by": "timestamp DESC"}),
    ("`tags.t0 = 'nope'`", {"filter": "tags.t0 = 'nope'"}),
)
_VERSIONS: Searches = (
    ("last updated", {}),
    ("`name = 'model-77'`", {"filter": "name = 'model-77'"}),
    ("`name LIKE '%-199%'`", {"filter": "name LIKE '%-199%'"}),
    ("`tags.t0 = '4'`, by name", {"filter": "tags.t0 = '4'", "order_by": "name ASC"}),
    ("`tags.t0 = 'nope'`", {"filter": "tags.t0 = 'nope'"}),
    ("`run_id = 'nope'`", {"filter": "run_id = 'nope'"}),
    ("`version_number DESC`", {"order_by": "version_number DESC"}),
)
_LOGGED_MODELS: Searches = (
    ("newest", {}),
    ("`metrics.m0 > 0.9999`", {"filter": "metrics.m0 > 0.9999"}),
    ("`metrics.m0 DESC`", {"order_by": [{"field_name": "metrics.m0", "ascending": False}]}),
    ("`params.p0 = 'nope'`", {"filter": "params.p0 = 'nope'"}),
    ("`name LIKE '%9999%'`", {"filter": "name LIKE '%9999%'"}),
)
_EXPERIMENTS: Searches = (
    ("newest", {}),
    ("`name LIKE '%9999%'`", {"filter": "name LIKE '%9999%'"}),
    ("`tags.t0 = '4'`, by name", {"filter": "tags.t0 = '4'", "order_by": ["name ASC"]}),
    ("`tags.t0 = 'nope'`", {"filter": "tags.t0 = 'nope'"}),
)


def list_rows() -> list[Row]:
    """Return searches for models, versions, logged models and experiments, 50 a page."""
    return [
        *_lists("registered-models", _MODELS, _by_get),
        *_lists("model-versions", _VERSIONS, _by_get),
        *_lists("logged-models", _LOGGED_MODELS, _by_post),
        *_lists("experiments", _EXPERIMENTS, _by_post),
    ]


def _lists(
    noun: str, searches: Searches, ask: Callable[[str, Body, Place], Request]
) -> Iterator[Row]:
    for name, search in searches:
        body = {"max_results": _FEW, **search}
        request = partial(ask, f"api/2.0/mlflow/{noun}/search", body)
        yield Row(f"{noun}: {name}", request, Bound(50), (WARREN,))


def _by_get(path: str, body: Body, _place: Place) -> Request:
    return Request(path, query=list(body.items()))


def _by_post(path: str, body: Body, place: Place) -> Request:
    if "logged-models" in path:
        body = {**body, "experiment_ids": place.experiments}
    return Request(path, body=body)
