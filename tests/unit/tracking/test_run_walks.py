"""A remembered statement is the one that would be composed anew, with the values of the request."""

from collections.abc import Sequence
from itertools import product

import pytest

from services.tracking.store import run_pages, run_walks
from services.tracking.store.run_pages import SIDE_BY_SIDE, RunSearch
from services.tracking.store.run_sets import Scope
from shared.contracts.views import ViewType
from shared.mlflow.search.grammars import RUNS
from shared.mlflow.search.order_by import parse_order_by
from shared.mlflow.search.page_token import KeyValue, Search
from shared.mlflow.search.parser import parse_filter
from shared.mlflow.search.remembered import LONGEST_REMEMBERED

FILTERS = (
    "",
    "metrics.m > 1 AND params.p = 'x' AND run_name LIKE 'a%'",
    "metrics.m != 2 AND params.p LIKE 'y%' AND tags.t IS NULL AND start_time > 1",
    f"params.p != '{'x' * LONGEST_REMEMBERED}'",
)
ORDERS: Sequence[tuple[str, ...]] = (
    (),
    ("start_time",),
    ("metrics.m DESC",),
    ("params.p",),
    ("metrics.start_time",),
    ("params.p", "metrics.m"),
)
SCOPES = ([5], [5, 6], [7, 8, 9], list(range(SIDE_BY_SIDE + 1)))
AFTER: Sequence[Sequence[KeyValue] | None] = (None, (0, 3.0, 4, 5, 6), (1, 0.0, 4, 5, 6))


@pytest.mark.parametrize(("filter_", "order_by"), list(product(FILTERS, ORDERS)))
def test_a_remembered_walk_is_the_one_of_the_request(
    filter_: str, order_by: tuple[str, ...]
) -> None:
    source = Search("runs", filter_, order_by)
    for number, (experiments, view, after) in enumerate(
        product(SCOPES, (ViewType.ALL, ViewType.ACTIVE_ONLY), AFTER)
    ):
        search = RunSearch(
            Scope(number, experiments),
            view,
            parse_filter(filter_, RUNS),
            parse_order_by(order_by, RUNS),
            limit=10 + number,
        )
        if after is not None:
            terms = len(search.terms)
            search = RunSearch(
                search.scope,
                view,
                search.comparisons,
                search.orders,
                search.limit,
                after=after[:terms],
            )
        remembered = run_walks.walk(source, search, 400 + number)
        anew = run_pages.walk(search, 400 + number)
        assert (remembered is None) == (anew is None)
        if remembered and anew:
            assert remembered.text == anew.text
            assert list(remembered.values) == list(anew.values)
