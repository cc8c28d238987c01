"""Searches of experiments on a real Postgres: what is found, in which order, and page by page."""

import pytest

from services.tracking.store.search_experiments import search_experiment_ids
from shared.contracts.errors import DomainError
from shared.contracts.experiments import SearchExperiments
from shared.contracts.views import ViewType
from tests.integration.tracking.conftest import OTHER_PROJECT, PROJECT
from tests.service_pools import Pool

EXPERIMENTS = [
    # Project, id, name, deleted, creation time, last update time, tags.
    (PROJECT, 0, "Default", False, 10, 10, {}),
    (PROJECT, 1, "alpha", False, 20, 90, {"team": "red"}),
    (PROJECT, 2, "Beta", False, 20, 30, {"team": "blue"}),
    (PROJECT, 3, "gone", True, 30, 40, {"team": "red"}),
    (PROJECT, 4, "alpine", False, 15, 15, {}),
    (OTHER_PROJECT, 5, "alpha", False, 20, 20, {"team": "red"}),
]


@pytest.fixture
async def experiments(pool: Pool) -> Pool:
    for project, id_, name, deleted, created, updated, tags in EXPERIMENTS:
        await pool.execute(
            "INSERT INTO experiments VALUES ($1, $2, $3, '', $4, $5, $6)",
            project,
            id_,
            name,
            deleted,
            created,
            updated,
        )
        for key, value in tags.items():
            await pool.execute(
                "INSERT INTO experiment_tags VALUES ($1, $2, $3, $4)", project, id_, key, value
            )
    return pool


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (SearchExperiments(), [1, 2, 4, 0]),
        (SearchExperiments(view_type=ViewType.DELETED_ONLY), [3]),
        (SearchExperiments(view_type=ViewType.ALL), [3, 1, 2, 4, 0]),
        (SearchExperiments(filter="name LIKE 'al%'"), [1, 4]),
        (SearchExperiments(filter="name ILIKE 'B%'"), [2]),
        (SearchExperiments(filter="attribute.name = 'alpha'"), [1]),
        (SearchExperiments(filter="tags.team = 'red'"), [1]),
        (SearchExperiments(filter="tags.team != 'red'"), [2]),
        (SearchExperiments(filter="tags.team IS NULL"), [4, 0]),
        (SearchExperiments(filter="creation_time >= 20 AND last_update_time < 50"), [2]),
        (SearchExperiments(filter="experiment_id IN ('1', '4')"), [1, 4]),
        (SearchExperiments(filter="experiment_id != '1'"), [2, 4, 0]),
        (SearchExperiments(filter="experiment_id != '-1'"), [1, 2, 4, 0]),
        (SearchExperiments(order_by=["name"]), [2, 0, 1, 4]),
        (SearchExperiments(order_by=["name DESC"]), [4, 1, 0, 2]),
        # The tie-breaker of an explicit order is the id, descending.
        (SearchExperiments(order_by=["creation_time DESC"]), [2, 1, 4, 0]),
        (SearchExperiments(order_by=["creation_time", "experiment_id"]), [0, 4, 1, 2]),
        (SearchExperiments(order_by=["last_update_time ASC"]), [0, 4, 2, 1]),
        (SearchExperiments(order_by=["name", "name DESC"]), [2, 0, 1, 4]),
    ],
)
@pytest.mark.parametrize("page", [1, 3, 100])
async def test_experiments_are_found_in_order_page_by_page(
    experiments: Pool, query: SearchExperiments, expected: list[int], page: int
) -> None:
    query = query.model_copy(update={"max_results": page})
    found: list[int] = []
    while True:
        async with experiments.acquire() as connection:
            result = await search_experiment_ids(connection, PROJECT, query)
        found += result.items
        query.page_token = result.next_page_token
        if result.next_page_token is None:
            break
    assert found == expected


@pytest.mark.parametrize(
    ("filter_", "message"),
    [
        (
            "experiment_id = 'x'",
            "Invalid experiment ID 'x'. Experiment ID must be a valid integer.",
        ),
        ("creation_time > 1.5", "Invalid value for numeric attribute 'creation_time': '1.5'"),
        ("params.a = 'x'", "Invalid entity type 'params'."),
    ],
)
async def test_a_wrong_search_of_experiments_is_refused(
    experiments: Pool, filter_: str, message: str
) -> None:
    query = SearchExperiments(filter=filter_)
    async with experiments.acquire() as connection:
        with pytest.raises(DomainError) as caught:
            await search_experiment_ids(connection, PROJECT, query)
    assert caught.value.message.startswith(message)
