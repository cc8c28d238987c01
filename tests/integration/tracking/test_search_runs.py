"""Searches of runs on a real Postgres: what a filter and a scope find, and what is refused."""

from uuid import UUID

import pytest

from services.tracking.store.run_conditions import MOST_LOOK_UPS
from services.tracking.store.search_runs import search_run_ids
from shared.contracts.errors import DomainError, ErrorCode
from shared.contracts.runs import SearchRuns
from shared.contracts.views import ViewType
from shared.postgres.connection import AnyConnection
from tests.integration.tracking.conftest import OTHER_PROJECT, PROJECT
from tests.integration.tracking.stored_runs import LONG, NAN, Run, find, store

RUNS = [
    Run(
        1,
        name="first",
        end_time=50,
        status="FINISHED",
        metrics={"acc": 0.5, "val loss": 1.0},
        params={"lr": "0.1", "a.b": "x"},
        tags={"env": "Prod"},
        datasets={"mnist": "train", "cifar": "test"},
    ),
    Run(2, name="Second", metrics={"acc": 0.9}, params={"lr": "0.01"}, tags={"env": "dev"}),
    Run(3, name="100%", metrics={"acc": NAN}, params={"lr": "0.1"}, datasets={"mnist": "test"}),
    Run(4, name="back\\", end_time=70, tags={"env": "prod", "quote": "it's"}),
    Run(5, deleted=True, metrics={"acc": 0.9}),
    Run(6, experiment=2, metrics={"acc": 0.9}),
    Run(7, project=OTHER_PROJECT, metrics={"acc": 0.9}),
]


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        ("", {1, 2, 3, 4}),
        ("metrics.acc > 0.5", {2}),
        ("metrics.acc >= 0.5", {1, 2}),
        ("metrics.acc < 1", {1, 2}),
        ("metrics.acc <= 0.5", {1}),
        ("metrics.acc = 0.5", {1}),
        # IEEE 754: NaN is unequal to everything. A run without the metric is not found.
        ("metrics.acc != 0.5", {2, 3}),
        ("metrics.acc > 1e400", set()),
        ('metrics."val loss" = 1', {1}),
        ("params.lr = '0.1'", {1, 3}),
        ("params.lr != '0.1'", {2}),
        ("params.`a.b` = 'x'", {1}),
        ("params.a.b = 'x'", {1}),
        ("params.lr IS NULL", {4}),
        ("params.lr IS NOT NULL", {1, 2, 3}),
        ("params.lr LIKE '0.%'", {1, 2, 3}),
        ("params.lr LIKE '0._'", {1, 3}),
        ("tags.env = 'prod'", {4}),
        ("tags.env LIKE 'prod'", {4}),
        ("tags.env ILIKE 'PRO_'", {1, 4}),
        ("tags.env IS NULL", {3}),
        ('tags.quote = "it\'s"', {4}),
        ("tags.env = 'dev' AND metrics.acc > 0.5", {2}),
        ("status = 'FINISHED'", {1}),
        ("status != 'FINISHED'", {2, 3, 4}),
        ("status LIKE 'FIN%'", {1}),
        ("status ILIKE 'run%'", {2, 3, 4}),
        ("attributes.user_id = 'me'", {1, 2, 3, 4}),
        ("start_time > 2", {3, 4}),
        ("Created <= 2.5", {1, 2}),
        ("end_time > 60", {4}),
        ("end_time != 50", {4}),
        ("end_time < 99999999999999999999", {1, 4}),
        ("end_time > -99999999999999999999", {1, 4}),
        ("run_name = 'first'", {1}),
        ("`Run name` ILIKE 'SEC%'", {2}),
        # A backslash is a character as any other.
        ("run_name LIKE '%\\'", {4}),
        ("run_name LIKE '100\\%'", set()),
        (f"run_id = '{UUID(int=2).hex}'", {2}),
        (f"run_id != '{UUID(int=2).hex}'", {1, 3, 4}),
        (f"run_id IN ('{UUID(int=2).hex}', '{UUID(int=3).hex}', '{UUID(int=6).hex}')", {2, 3}),
        (f"run_id NOT IN ('{UUID(int=2).hex}', 'nonsense')", {1, 3, 4}),
        ("run_id = 'nonsense'", set()),
        ("run_id != 'nonsense'", {1, 2, 3, 4}),
        (f"run_id = '{UUID(int=2)}'", set()),
        ("run_id LIKE '%4'", {4}),
        ("dataset.name = 'mnist'", {1, 3}),
        ("datasets.name IN ('cifar', 'svhn')", {1}),
        ("dataset.name NOT IN ('mnist')", {1}),
        ("dataset.digest = 'digest-3'", {3}),
        ("dataset.context = 'test'", {1, 3}),
        # Each clause speaks of any dataset, not all of the same one.
        ("dataset.name = 'mnist' AND dataset.context = 'test'", {1, 3}),
        ("dataset.name != 'mnist'", {1}),
    ],
)
async def test_a_filter_finds(connection: AnyConnection, filter_: str, expected: set[int]) -> None:
    await store(connection, RUNS)
    assert set(await find(connection, filter_)) == expected


LONG_TEXTS = [
    Run(1, name=LONG + "b", params={"p": LONG + "b"}, tags={"t": LONG + "B"}),
    Run(2, name=LONG + "a", params={"p": LONG + "a"}, tags={"t": LONG + "e"}),
    Run(3, name=LONG, params={"p": LONG}),
    Run(4, name="x", params={"p": "x"}, tags={"t": "b"}),
]


@pytest.mark.parametrize(
    ("filter_", "order_by", "expected"),
    [
        (f"params.p = '{LONG}a'", [], [2]),
        (f"params.p != '{LONG}a'", [], [4, 3, 1]),
        (f"params.p LIKE '{LONG}%'", [], [3, 2, 1]),
        ("params.p LIKE '%b'", [], [1]),
        (f"params.p LIKE '{LONG}_'", [], [2, 1]),
        ("tags.t ILIKE '%b'", [], [4, 1]),
        ("tags.t ILIKE '%E'", [], [2]),
        (f"run_name = '{LONG}b'", [], [1]),
        (f"run_name ILIKE 'X{LONG[1:]}A'", [], [2]),
        ("", ["params.p"], [4, 3, 2, 1]),
        ("", ["params.p DESC"], [1, 2, 3, 4]),
        ("tags.t IS NOT NULL", ["params.p"], [4, 2, 1]),
    ],
)
@pytest.mark.parametrize("page", [1, 2, 100])
async def test_texts_are_compared_beyond_what_an_index_has(
    connection: AnyConnection,
    filter_: str,
    order_by: list[str],
    expected: list[int],
    page: int,
) -> None:
    await store(connection, LONG_TEXTS)
    assert await find(connection, filter_, order_by, page) == expected


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ({}, [4, 3, 2, 1]),
        ({"run_view_type": ViewType.DELETED_ONLY}, [5]),
        ({"run_view_type": ViewType.ALL}, [5, 4, 3, 2, 1]),
        ({"experiment_ids": ["1", "2"]}, [6, 4, 3, 2, 1]),
        ({"experiment_ids": ["2", "3"]}, [6]),
        ({"experiment_ids": []}, []),
        ({"experiment_ids": ["99999999999999999999"]}, []),
    ],
)
async def test_the_scope_is_some_experiments_of_one_project(
    connection: AnyConnection, scope: dict[str, object], expected: list[int]
) -> None:
    await store(connection, RUNS)
    assert await find(connection, scope=scope) == expected
    assert await find(connection, max_results=1, scope=scope) == expected


async def test_clauses_of_one_key_must_all_hold(connection: AnyConnection) -> None:
    runs = [
        Run(each, metrics={"m": each / 10}, params={"p": text}, tags={"t": text})
        for each, text in enumerate(("", "a", "ab", LONG + "b", "b"))
    ]
    await store(connection, runs)
    for filter_, expected in {
        "metrics.m > 0 AND metrics.m < 0.4 AND metrics.m != 0.2": {1, 3},
        "params.p LIKE 'a%' AND params.p != 'a' AND params.p IS NOT NULL": {2},
        "params.p = 'ab' AND params.p LIKE '%a'": set(),
        "tags.t LIKE '%b' AND tags.t ILIKE 'X%'": {3},
        "tags.t IS NULL AND tags.t IS NOT NULL": set(),
    }.items():
        for order in ([], ["metrics.m"], ["params.p"]):
            assert set(await find(connection, filter_, order)) == expected, (filter_, order)


async def test_many_metrics_are_compared_as_few_are(connection: AnyConnection) -> None:
    """More than MOST_LOOK_UPS metrics are read at once."""
    keys = [f"m{each}" for each in range(MOST_LOOK_UPS + 5)]
    runs = [
        Run(1, metrics=dict.fromkeys(keys, 0.5), params={"p": "x"}),
        Run(2, metrics=dict.fromkeys(keys, 0.5), params={"p": "y"}),
        Run(3, metrics={**dict.fromkeys(keys, 0.5), keys[-1]: NAN}, params={"p": "x"}),
        Run(4, metrics=dict.fromkeys(keys[1:], 0.5), params={"p": "x"}),
        Run(5, metrics={**dict.fromkeys(keys, 0.5), keys[0]: 2.0}, params={"p": "x"}),
        Run(6, metrics=dict.fromkeys([*keys, "more"], 0.5), params={"p": "x"}),
    ]
    await store(connection, runs)
    clauses = [f"metrics.{each} > 0 AND metrics.{each} < 1" for each in keys]
    assert set(await find(connection, " AND ".join(clauses))) == {1, 2, 6}
    clauses.append("params.p = 'x'")
    assert set(await find(connection, " AND ".join(clauses))) == {1, 6}
    assert await find(connection, " AND ".join(clauses), ["metrics.m3", "run_id DESC"]) == [6, 1]


@pytest.mark.parametrize(
    "query",
    [
        SearchRuns(experiment_ids=["1"], filter="nonsense"),
        SearchRuns(experiment_ids=[], filter="nonsense"),
        SearchRuns(experiment_ids=["x"]),
        SearchRuns(experiment_ids=["1"], order_by=["nonsense"]),
        SearchRuns(experiment_ids=["1"], order_by=["start_time", "Created DESC"]),
        SearchRuns(experiment_ids=["1"], page_token="nonsense"),
        SearchRuns(experiment_ids=["1"], max_results=0),
    ],
)
async def test_a_wrong_search_is_refused(connection: AnyConnection, query: SearchRuns) -> None:
    with pytest.raises(DomainError) as caught:
        await search_run_ids(connection, PROJECT, query)
    assert caught.value.code is ErrorCode.INVALID_PARAMETER_VALUE
