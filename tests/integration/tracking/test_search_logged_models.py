"""Searches of logged models, on real SQL."""

from typing import Any

import pytest

from shared.contracts.errors import DomainError, ErrorCode
from tests.integration.tracking.conftest import PROJECT, Tracking

MODELS: dict[str, dict[str, Any]] = {
    "a": {"model_type": "cnn", "params": {"lr": "0.1"}, "tags": {"team": "x"}},
    "b": {"model_type": "cnn", "params": {"lr": "0.2"}, "tags": {"team": "y"}},
    "c": {"model_type": "", "params": {}, "tags": {"team": "x", "odd key": "1"}},
}
POINTS = [
    ("a", "acc", 0.5, 0, "train", "1"),
    ("a", "acc", 0.9, 1, "test", "2"),
    ("b", "acc", 0.7, 0, "test", "3"),
    ("b", "loss", "NaN", 0, None, None),
    ("a", "loss", 3.0, 0, None, None),
]


class Found:
    """Three models of experiment 0, made in the order of their names."""

    def __init__(self, tracking: Tracking) -> None:
        self.tracking = tracking
        self.ids: dict[str, str] = {}

    async def prepare(self) -> None:
        run_id = await self.tracking.run()
        for name, fields in MODELS.items():
            pairs = {
                kind: [{"key": k, "value": v} for k, v in fields[kind].items()]
                for kind in ("params", "tags")
            }
            reply = await self.tracking.call(
                "CreateLoggedModel", **{**fields, **pairs}, experiment_id="0", name=name
            )
            self.ids[name] = reply["model"]["info"]["model_id"]
        await self.tracking.pool.execute(
            "UPDATE logged_models SET creation_timestamp_ms = ascii(name) WHERE project_id = $1",
            PROJECT,
        )
        for name, key, value, step, dataset, digest in POINTS:
            await self.tracking.call(
                "LogMetric",
                run_id=run_id,
                key=key,
                value=value,
                timestamp=10 + step,
                step=step,
                model_id=self.ids[name],
                dataset_name=dataset,
                dataset_digest=digest,
            )

    async def names(self, filter: str = "", **fields: Any) -> str:  # noqa: A002
        reply = await self.page(filter, **fields)
        return "".join(each["info"]["name"] for each in reply["models"])

    async def page(self, filter: str = "", **fields: Any) -> dict[str, Any]:  # noqa: A002
        fields = {"experiment_ids": ["0"], **fields}
        page: dict[str, Any] = await self.tracking.call(
            "SearchLoggedModels", filter=filter, **fields
        )
        return page


@pytest.fixture
async def found(tracking: Tracking) -> Found:
    models = Found(tracking)
    await models.prepare()
    return models


@pytest.mark.parametrize(
    ("filter_string", "names"),
    [
        ("", "cba"),
        ("name = 'a'", "a"),
        ("name = a", "a"),
        ("name IN ('a', 'c')", "ca"),
        ("name NOT IN ('a', 'c')", "b"),
        ("attributes.name LIKE '%'", "cba"),
        ("model_type = 'cnn' AND name != 'a'", "b"),
        ("model_type = ''", "c"),
        ("params.lr = 0.1", "a"),
        ("params.lr IN ('0.1', '0.2')", "ba"),
        ("params.lr != '0.1'", "b"),
        ("tags.team = 'x'", "ca"),
        ("tags.`odd key` ILIKE '1'", "c"),
        ("metrics.acc > 0.6", "ba"),
        ("metrics.acc = 0.5", "a"),
        ("metrics.acc < 0.6 AND metrics.acc > 0.8", "a"),
        ("metrics.loss > 1", "a"),
        ("metrics.loss != 3", "b"),
        ("creation_time >= 98", "cb"),
        ("attributes.creation_timestamp_ms < 98.5", "ba"),
        ("experiment_id = '0'", "cba"),
        ("status = 1", "cba"),
        ("status = 'READY'", ""),
        ("status != 'LOGGED_MODEL_PENDING'", ""),
        ("artifact_location LIKE 'mlflow-artifacts:/%'", "cba"),
    ],
)
async def test_a_filter_finds_what_it_says(found: Found, filter_string: str, names: str) -> None:
    assert await found.names(filter_string) == names


async def test_datasets_narrow_the_metrics_of_a_filter(found: Found) -> None:
    test, train = {"dataset_name": "test"}, {"dataset_name": "train", "dataset_digest": "1"}
    assert await found.names("metrics.acc > 0.1", datasets=[test]) == "ba"
    assert await found.names("metrics.acc < 0.6", datasets=[test]) == ""
    assert await found.names("metrics.acc < 0.8", datasets=[test, train]) == "ba"
    assert await found.names("metrics.acc > 0.1", datasets=[{**test, "dataset_digest": "3"}]) == "b"
    assert await found.names(datasets=[train]) == "a"
    assert await found.names(datasets=[{"dataset_name": "none"}]) == ""
    with pytest.raises(DomainError, match="`dataset_name` in the `datasets` clause must be spec"):
        await found.names(datasets=[{"dataset_digest": "1"}])


@pytest.mark.parametrize(
    ("orders", "names"),
    [
        ([{"field_name": "name"}], "abc"),
        ([{"field_name": "name", "ascending": False}], "cba"),
        ([{"field_name": "creation_time"}], "abc"),
        ([{"field_name": "model_type"}], "cba"),
        ([{"field_name": "metrics.acc"}], "bac"),
        ([{"field_name": "metrics.acc", "ascending": False}], "abc"),
        ([{"field_name": "metrics.acc", "dataset_name": "train"}], "acb"),
        ([{"field_name": "metrics.acc", "dataset_digest": "3"}], "bca"),
        ([{"field_name": "metrics.loss", "ascending": False}], "abc"),
        ([{"field_name": "status"}, {"field_name": "model_id"}], "abc"),
        ([{"field_name": "experiment_id"}, {"field_name": "metrics.none"}], "cba"),
    ],
)
async def test_an_order_sorts_by_the_latest_metrics_with_gaps_last(
    found: Found, orders: list[dict[str, Any]], names: str
) -> None:
    assert await found.names(order_by=orders) == names
    assert await paged(found, order_by=orders) == names


async def paged(found: Found, **fields: Any) -> str:
    """Read the same search in pages of one."""
    names, token = "", None
    for _ in MODELS:
        page = await found.page(max_results=1, page_token=token, **fields)
        names += "".join(each["info"]["name"] for each in page["models"])
        token = page.get("next_page_token")
    assert token is None
    return names


async def test_a_page_may_be_asked_to_hold_any_number(found: Any) -> None:
    everything = await found.page()
    assert everything["models"]
    assert await found.page(max_results=2**31 - 1) == everything


async def test_a_token_belongs_to_its_search(found: Found) -> None:
    token = (await found.page(max_results=1))["next_page_token"]
    for other in (
        {"filter": "name != 'x'"},
        {"order_by": [{"field_name": "name"}]},
        {"experiment_ids": ["0", "1"]},
        {"datasets": [{"dataset_name": "test"}]},
    ):
        with pytest.raises(DomainError, match="in the page token do"):
            await found.page(page_token=token, **other)


async def test_deleted_models_other_experiments_and_other_projects_are_left_out(
    found: Found,
) -> None:
    await found.tracking.call("DeleteLoggedModel", model_id=found.ids["b"])
    await found.tracking.call("CreateLoggedModel", PROJECT + 1, experiment_id="0", name="z")
    assert await found.names() == "ca"
    assert await found.names(experiment_ids=["1"]) == ""
    assert await found.names(experiment_ids=[]) == ""


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"filter": "foo = 1"}, "Invalid attribute key 'foo' specified."),
        ({"order_by": [{"field_name": "foo"}]}, "Invalid order by field name: foo"),
        ({"order_by": [{}]}, "Invalid order by field name: "),
        (
            {"order_by": [{"field_name": "params.a"}]},
            "Invalid order by field name: params.a. Only metrics are supported.",
        ),
        (
            {"order_by": [{"field_name": "name"}] * 21},
            "'order_by' can contain at most 20 elements.",
        ),
        ({"experiment_ids": ["x"]}, "Invalid experiment ID 'x'."),
        ({"max_results": -1}, "Invalid value -1 for parameter 'max_results' supplied."),
        ({"page_token": "zzz"}, "Invalid page token"),
    ],
)
async def test_mistakes_are_named(found: Found, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(DomainError) as caught:
        await found.page(**fields)
    assert caught.value.code == ErrorCode.INVALID_PARAMETER_VALUE
    assert caught.value.message.startswith(message)


async def test_experiments_must_be_named(found: Found) -> None:
    with pytest.raises(DomainError, match="Missing value for required parameter 'experiment_ids'"):
        await found.tracking.call("SearchLoggedModels")
