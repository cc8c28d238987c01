"""Searches of runs on a real Postgres: in which order they are found, and page by page."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.tracking.store.search_runs import search_run_ids
from shared.contracts.runs import SearchRuns
from shared.postgres.connection import AnyConnection
from tests.integration.tracking.conftest import PROJECT
from tests.integration.tracking.stored_runs import LONG, NAN, Run, find, store

# NaN after the numbers and before what is missing, in both directions. Ties: newest first.
ORDERED = [
    Run(1, metrics={"m": 2.0}, params={"p": "b"}, end_time=9),
    Run(2, metrics={"m": -1.5}, params={"p": "B"}),
    Run(3, metrics={"m": NAN}, params={"p": ""}, end_time=3),
    Run(4),
    Run(5, metrics={"m": 2.0}, params={"p": "é"}, end_time=3),
    Run(6, metrics={"m": NAN}),
    Run(7, start_time=4),
    Run(8, metrics={"m": 1.7976931348623157e308}, params={"p": "b"}),
]


@pytest.mark.parametrize(
    ("order_by", "expected"),
    [
        ([], [8, 6, 5, 4, 7, 3, 2, 1]),
        (["metrics.m ASC"], [2, 5, 1, 8, 6, 3, 4, 7]),
        (["metrics.m DESC"], [8, 5, 1, 2, 6, 3, 4, 7]),
        (["params.p"], [3, 2, 8, 1, 5, 6, 4, 7]),
        (["params.p DESC"], [5, 8, 1, 2, 3, 6, 4, 7]),
        (["end_time"], [5, 3, 1, 8, 6, 4, 7, 2]),
        (["attributes.end_time DESC"], [1, 5, 3, 8, 6, 4, 7, 2]),
        (["Created ASC"], [1, 2, 3, 4, 7, 5, 6, 8]),
        (["run_id DESC"], [8, 7, 6, 5, 4, 3, 2, 1]),
        (["params.p DESC", "metrics.m", "start_time ASC"], [5, 1, 8, 2, 3, 6, 4, 7]),
        (["tags.missing", "metrics.missing DESC"], [8, 6, 5, 4, 7, 3, 2, 1]),
    ],
)
@pytest.mark.parametrize("page", [1, 2, 3, 8, 100])
async def test_the_order_is_mlflows_whatever_the_page(
    connection: AnyConnection, order_by: list[str], expected: list[int], page: int
) -> None:
    await store(connection, ORDERED)
    assert await find(connection, "", order_by, page) == expected


@pytest.mark.parametrize("page", [1, 2, 3, 100])
async def test_runs_without_a_number_are_in_order_whether_folded_or_not(
    connection: AnyConnection, page: int
) -> None:
    """Those that are folded, 3 and 7, are not in the index that the others are merged with."""
    numbers = {3: NAN, 4: 1.0}
    runs = [
        Run(each, metrics={"m": numbers[each]} if each in numbers else {})
        for each in (2, 3, 4, 6, 7, 8)
    ]
    await store(connection, runs)
    assert await find(connection, "", ["metrics.m"], page) == [4, 3, 8, 7, 6, 2]


METRICS = st.one_of(
    st.none(), st.sampled_from([0.0, -0.0, 1.0, NAN]), st.floats(allow_infinity=False)
)
ORDERS = st.lists(
    st.tuples(
        st.sampled_from(["metrics.m", "params.p", "end_time", "run_name", "start_time"]),
        st.sampled_from([" ASC", " DESC"]),
    ),
    unique_by=lambda order: order[0],
    max_size=3,
).map(lambda orders: ["".join(order) for order in orders])
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=3)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    rows=st.lists(
        st.tuples(METRICS, st.none() | TEXTS, st.none() | st.integers(0, 3), TEXTS), max_size=12
    ),
    order_by=ORDERS,
    page=st.integers(1, 5),
)
async def test_paging_never_skips_and_never_repeats(
    connection: AnyConnection,
    rows: list[tuple[float | None, str | None, int | None, str]],
    order_by: list[str],
    page: int,
) -> None:
    runs = [
        Run(
            number,
            start_time=number // 3,
            end_time=end_time,
            name=name,
            metrics={} if metric is None else {"m": metric},
            params={} if param is None else {"p": param},
        )
        for number, (metric, param, end_time, name) in enumerate(rows)
    ]
    await connection.execute(
        "TRUNCATE runs, metric_series, metric_points, params, newest_metrics, run_documents, unfolded_runs"
    )
    await store(connection, runs)
    everything = await find(connection, "", order_by, 100)
    assert sorted(everything) == list(range(len(runs)))
    assert await find(connection, "", order_by, page) == everything


@pytest.mark.parametrize("order", ["metrics.start_time", "params.end_time", "tags.run_id DESC"])
async def test_keys_may_have_the_names_of_attributes(connection: AnyConnection, order: str) -> None:
    """A text that is too long for the index is compared whole, too."""
    runs = [
        Run(
            each, metrics={"start_time": each % 3}, params={"end_time": text}, tags={"run_id": text}
        )
        for each, text in enumerate(("b", LONG + "b", LONG + "a", "c"), 1)
    ]
    await store(connection, runs)
    expected = {
        "metrics.start_time": [3, 4, 1, 2],
        "params.end_time": [1, 4, 3, 2],
        "tags.run_id DESC": [2, 3, 4, 1],
    }
    for page in (1, 3, 100):
        assert await find(connection, "", [order], page) == expected[order]


async def test_a_run_that_arrives_between_pages_moves_no_other(
    connection: AnyConnection,
) -> None:
    await store(connection, [Run(number) for number in range(1, 5)])
    query = SearchRuns(experiment_ids=["1"], max_results=2)
    first = await search_run_ids(connection, PROJECT, query)
    await store(connection, [Run(9)])
    query.page_token = first.next_page_token
    second = await search_run_ids(connection, PROJECT, query)
    assert [id_.int for id_ in (*first.items, *second.items)] == [4, 3, 2, 1]
    assert second.next_page_token is None
