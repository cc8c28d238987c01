"""Searches of runs on a real Postgres: what is found, in which order, and page by page."""

import math
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.tracking.store import documents
from services.tracking.store.run_conditions import MOST_LOOK_UPS
from services.tracking.store.search_runs import Budget, search_run_ids
from shared.contracts.errors import DomainError, ErrorCode
from shared.contracts.runs import SearchRuns
from shared.contracts.views import ViewType
from shared.postgres.connection import AnyConnection
from tests.explaining import Explaining, pages_read
from tests.integration.tracking.conftest import OTHER_PROJECT, PROJECT
from tests.service_pools import Pool, service_pool

NAN = math.nan
LONG = "x" * 250


@dataclass(frozen=True)
class Run:
    """A run to search for; its number makes up its id and, by default, its start time."""

    number: int
    experiment: int = 1
    start_time: int | None = None
    end_time: int | None = None
    name: str = ""
    status: str = "RUNNING"
    deleted: bool = False
    project: int = PROJECT
    metrics: dict[str, float] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    datasets: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> UUID:
        """The run id."""
        return UUID(int=self.number)


@pytest.fixture
async def connection(pool: Pool) -> AsyncIterator[AnyConnection]:
    """A connection to the service's tables, whose changes are undone after the test."""
    async with pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        yield connection
        await transaction.rollback()


async def store(connection: AnyConnection, runs: Iterable[Run]) -> None:
    for run in runs:
        number = await connection.fetchval(
            "INSERT INTO experiments AS old (project_id, experiment_id, name, artifact_location,"
            " creation_time, last_update_time) VALUES ($1, $2, $3, '', 0, 0)"
            " ON CONFLICT (project_id, experiment_id) DO UPDATE SET name = old.name"
            " RETURNING experiment_number",
            run.project,
            run.experiment,
            str(run.experiment),
        )
        await connection.execute(
            "INSERT INTO runs (project_id, run_id, experiment_id, name, user_id, status,"
            " start_time, end_time, deleted, artifact_uri, experiment_number)"
            " VALUES ($1, $2, $3, $4, 'me', $5, $6, $7, $8, '', $9)",
            run.project,
            run.id,
            run.experiment,
            run.name,
            run.status,
            run.number if run.start_time is None else run.start_time,
            run.end_time,
            run.deleted,
            number,
        )
        await connection.execute(
            "INSERT INTO unfolded_runs VALUES ($1, $2, $3)", run.project, run.experiment, run.id
        )
        key = (run.project, run.id)
        await connection.executemany(
            "WITH series AS ("
            " INSERT INTO metric_series (project_id, run_id, key) VALUES ($1, $2, $3)"
            " RETURNING project_id, series_id"
            ") INSERT INTO metric_points (project_id, series_id, value, timestamp, step)"
            " SELECT project_id, series_id, $4, 0, 0 FROM series",
            [(*key, *item) for item in run.metrics.items()],
        )
        start_time = run.number if run.start_time is None else run.start_time
        for table, values in (("params", run.params), ("tags", run.tags)):
            await connection.executemany(
                f"INSERT INTO {table} (project_id, run_id, key, value, experiment_number, start_time)"
                " VALUES ($1, $2, $3, $4, $5, $6)",
                [(*key, *item, number, start_time) for item in values.items()],
            )
        for index, (name, context) in enumerate(run.datasets.items()):
            await _store_dataset(connection, run, UUID(int=run.number * 100 + index), name, context)
        await _fold_some(connection, run)


async def _fold_some(connection: AnyConnection, run: Run) -> None:
    """Fold every other run; unfold some of them again, whose newest metrics are stale then."""
    if run.number % 2:
        await documents.fold(connection, [(run.project, run.id)])
    if run.number % 4 == 1:
        await connection.execute(
            "UPDATE newest_metrics SET value = -value WHERE run_id = $1", run.id
        )
        await connection.execute("UPDATE runs SET folded = false WHERE run_id = $1", run.id)
        await connection.execute(
            "INSERT INTO unfolded_runs VALUES ($1, $2, $3)", run.project, run.experiment, run.id
        )


async def _store_dataset(
    connection: AnyConnection, run: Run, dataset: UUID, name: str, context: str
) -> None:
    await connection.execute(
        "INSERT INTO datasets (project_id, dataset_id, experiment_id, name, digest, source_type,"
        " source) VALUES ($1, $2, $3, $4, $5, 'local', '')",
        run.project,
        dataset,
        run.experiment,
        name,
        f"digest-{run.number}",
    )
    key = (run.project, run.id, dataset)
    await connection.execute("INSERT INTO run_inputs VALUES ($1, $2, $3)", *key)
    await connection.execute(
        "INSERT INTO run_input_tags VALUES ($1, $2, $3, 'mlflow.data.context', $4)", *key, context
    )


BUDGETS = (
    Budget(),
    # From the set of a clause.
    Budget(walked=0, walked_pages=0),
    # From all sets.
    Budget(walked=0, walked_pages=0, driven=0),
    # After a walk that was given up.
    Budget(walked=1, walked_pages=1, driven=0),
    Budget(walked=1, walked_pages=2, driven=0),
)


async def find(
    connection: AnyConnection,
    filter_: str = "",
    order_by: Sequence[str] = (),
    max_results: int = 100,
    scope: Mapping[str, object] | None = None,
) -> list[int]:
    """Return the numbers of the found runs, all pages, whichever way the search takes; check each page's size."""
    first, *others = [
        await _find(connection, filter_, order_by, max_results, scope or {}, budget)
        for budget in BUDGETS
    ]
    for budget, other in zip(BUDGETS[1:], others, strict=True):
        assert other == first, budget
    return first


async def _find(  # noqa: PLR0913, PLR0917
    connection: AnyConnection,
    filter_: str,
    order_by: Sequence[str],
    max_results: int,
    scope: Mapping[str, object],
    budget: Budget,
) -> list[int]:
    fields: dict[str, object] = {"experiment_ids": ["1"], **scope}
    found: list[int] = []
    token: str | None = None
    while True:
        query = SearchRuns.model_validate(
            {
                "filter": filter_,
                "order_by": list(order_by),
                "max_results": max_results,
                "page_token": token,
                **fields,
            }
        )
        # The search's own settings end with its transaction.
        async with connection.transaction():
            page = await search_run_ids(connection, PROJECT, query, budget)
            await connection.execute("SET LOCAL enable_nestloop = on")
        found += [id_.int for id_ in page.items]
        token = page.next_page_token
        if token is None:
            return found
        assert len(page.items) == max_results


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


async def test_a_value_is_looked_up_once_for_all_clauses(connection: AnyConnection) -> None:
    await store(connection, [Run(2 * each, metrics={"m": 1.0}) for each in range(1, 101)])
    found = {}
    for clauses in (1, 200):
        explaining = Explaining(connection)
        filter_ = " AND ".join(f"metrics.m > -{each}" for each in range(1, clauses + 1))
        await search_run_ids(explaining, PROJECT, SearchRuns(experiment_ids=["1"], filter=filter_))
        found[clauses] = sum(map(pages_read, explaining.plans))
    assert found[200] < found[1] * 1.1


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


async def test_a_page_of_newest_runs_is_read_from_the_index_in_order(
    connection: AnyConnection,
) -> None:
    """No sort of the whole experiment for the one page that user interfaces show first."""
    await connection.execute(
        "INSERT INTO runs SELECT 7, gen_random_uuid(), 1, '', '', '', i, NULL, false, NULL, ''"
        " FROM generate_series(1, 20000) i; ANALYZE runs"
    )
    explaining = Explaining(connection)
    query = SearchRuns(experiment_ids=["1"], max_results=100)
    page = await search_run_ids(explaining, PROJECT, query)
    query.page_token = page.next_page_token
    await search_run_ids(explaining, PROJECT, query)
    for plan in explaining.plans:
        assert "runs_newest_idx" in plan
        assert "Sort" not in plan


async def test_runs_are_found_by_their_keys_in_tables_that_seem_small(database_dsn: str) -> None:
    """Joins would be made of the conditions, and each read a table anew for every run."""
    query = SearchRuns(
        experiment_ids=["1"],
        filter="metrics.loss < 200 AND params.depth = '3' AND params.width IS NULL",
        order_by=["metrics.loss DESC"],
    )
    # Of new tables PostgreSQL knows no more than their size; those of other tests may be analyzed.
    async with service_pool(database_dsn, "tracking") as pool, pool.acquire() as connection:
        await store(
            connection,
            (Run(n, metrics={"loss": n}, params={"depth": str(n % 5)}) for n in range(1, 301)),
        )
        explaining = Explaining(connection)
        page = await search_run_ids(explaining, PROJECT, query)
    assert [run_id.int for run_id in page.items] == list(range(198, 0, -5))
    (plan,) = explaining.plans
    assert pages_read(plan) < 300 * 20, plan
