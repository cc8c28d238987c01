"""Evaluation datasets: what MLflow's own server is not asked about in ``tests/compat/test_evaluation_datasets.py``."""

import asyncio
import hashlib
import json
import math

import pytest

from services.traces.housekeeping import PORTION, purge_portion, purge_records
from services.traces.store.search_evaluation_datasets import search_evaluation_dataset_ids
from shared.contracts import limits
from shared.contracts.errors import DomainError, ErrorCode
from shared.contracts.evaluation_datasets import SearchEvaluationDatasets
from shared.messaging.messages import Frame, new_id
from shared.mlflow.search.bounded import Budget
from tests.integration.traces.conftest import PROJECT, Traces, envelope

SMALL = Budget(driven=2, walked=2, shared=2, pages=1)
"""Bounds that a handful of datasets reaches, so that every way to search is taken."""

OTHER = PROJECT + 1
TABLES = ("datasets", "dataset_tags", "dataset_experiments", "dataset_records", "dataset_purges")


async def refused(call, code=ErrorCode.INVALID_PARAMETER_VALUE) -> str:
    with pytest.raises(DomainError) as caught:
        await call
    assert caught.value.code is code
    return caught.value.message


class Datasets:
    """The service, as its clients use it."""

    def __init__(self, traces: Traces) -> None:
        self.call = traces.call
        self.traces = traces

    async def create(self, name="d", project=PROJECT, **fields):
        if "tags" in fields:
            fields["tags"] = json.dumps(fields["tags"])
        made = await self.call("CreateDataset", project, name=name, **fields)
        return made["dataset"]["dataset_id"]

    async def get(self, dataset_id, project=PROJECT):
        return (await self.call("GetDataset", project, dataset_id=dataset_id))["dataset"]

    async def merge(self, dataset_id, *records, project=PROJECT):
        reply = await self.call(
            "UpsertDatasetRecords", project, dataset_id=dataset_id, records=json.dumps(records)
        )
        return reply["inserted_count"], reply["updated_count"]

    async def page(self, dataset_id, project=PROJECT, **fields):
        reply = await self.call("GetDatasetRecords", project, dataset_id=dataset_id, **fields)
        return json.loads(reply["records"]), reply.get("next_page_token")

    async def records(self, dataset_id, project=PROJECT):
        found, token = await self.page(dataset_id, project)
        while token:
            more, token = await self.page(dataset_id, project, page_token=token)
            found += more
        return found

    async def search(self, project=PROJECT, **fields):
        reply = await self.call("SearchEvaluationDatasets", project, **fields)
        return [each["name"] for each in reply["datasets"]], reply.get("next_page_token")

    async def rows(self):
        """Count the rows of each table."""
        return [
            await self.traces.pool.fetchval(f"SELECT count(*) FROM evaluation_{table}")
            for table in TABLES
        ]


@pytest.fixture
def datasets(traces):
    return Datasets(traces)


def numbered(*numbers):
    return [{"inputs": {"n": number}} for number in numbers]


async def test_records_are_read_in_the_order_in_which_they_came(datasets):
    made = await datasets.create()
    await datasets.merge(made, *numbered(*range(10)))
    await datasets.merge(made, *numbered(*range(19, 8, -1)))
    found, token, pages = [], "", 0
    while token is not None:
        page, token = await datasets.page(made, max_results=3, page_token=token)
        found += page
        pages += 1
    assert [each["inputs"]["n"] for each in found] == [*range(10), *range(19, 9, -1)]
    assert pages == 7
    assert len({each["dataset_record_id"] for each in found}) == 20
    # 0 means the default, as in MLflow's handler.
    assert await datasets.page(made, max_results=0) == (found, None)


async def test_a_merge_updates_the_time_and_the_digest_of_the_dataset(datasets):
    made = await datasets.create(tags={"mlflow.user": "ada"})
    seen = [await datasets.get(made)]
    for number in range(3):
        await datasets.merge(made, {"inputs": {}, "tags": {"mlflow.user": f"user {number}"}})
        seen.append(await datasets.get(made))
    times = [each["last_update_time"] for each in seen]
    assert times == sorted(set(times))
    for each in seen:
        text = f"d:{each['last_update_time']}".encode()
        assert each["digest"] == hashlib.sha256(text).hexdigest()[:8]
    assert [each["last_updated_by"] for each in seen] == ["ada", "user 0", "user 1", "user 2"]
    (record,) = await datasets.records(made)
    assert record["created_time"] == times[1]
    assert record["last_update_time"] == times[3]
    assert (record["created_by"], record["last_updated_by"]) == ("user 0", "user 2")


async def test_two_merges_in_one_frame_have_different_digests(datasets, traces):
    made = await datasets.create()
    body = {"dataset_id": made, "records": json.dumps(numbered(1))}
    answers = await traces.frame(*(envelope("UpsertDatasetRecords", **body) for _ in range(3)))
    counts = [json.loads(each.body) for each in answers]
    assert [each["inserted_count"] for each in counts] == [1, 0, 0]
    assert [each["updated_count"] for each in counts] == [0, 1, 1]
    found = await datasets.get(made)
    assert found["last_update_time"] >= found["created_time"] + 3
    assert found["profile"] == '{"num_records": 1}'


async def test_merges_of_the_same_record_at_once_store_it_once(datasets):
    made = await datasets.create()
    counts = await asyncio.gather(
        *(
            datasets.merge(
                made, {"inputs": {"q": 1}, "expectations": {str(n): n}, "tags": {str(n): n}}
            )
            for n in range(8)
        )
    )
    assert sorted(counts) == [(0, 1)] * 7 + [(1, 0)]
    (record,) = await datasets.records(made)
    assert record["expectations"] == record["tags"] == {str(n): n for n in range(8)}
    assert (await datasets.get(made))["profile"] == '{"num_records": 1}'


async def test_frames_with_the_same_datasets_in_another_order_are_in_no_deadlock(
    datasets, traces, deadlocks
):
    made = [await datasets.create() for _ in range(4)]

    def merges(number):
        records = json.dumps(numbered(number))
        ids = made if number % 2 else made[::-1]
        return [envelope("UpsertDatasetRecords", dataset_id=each, records=records) for each in ids]

    answers = await asyncio.gather(*(traces.frame(*merges(number)) for number in range(12)))
    assert all(each.error is None for frame in answers for each in frame)
    assert not deadlocks
    assert {(await datasets.get(each))["profile"] for each in made} == {'{"num_records": 12}'}


async def test_nothing_is_locked_while_tracking_is_asked(datasets, traces, tracking):
    made = await datasets.create()
    call = tracking.call

    async def asked(*args, **options):
        await asyncio.wait_for(datasets.merge(made, *numbered(2)), 5)
        return await call(*args, **options)

    tracking.call = asked
    records = json.dumps(numbered(1))
    answers = await traces.frame(
        envelope("UpsertDatasetRecords", dataset_id=made, records=records),
        envelope("AddDatasetToExperiments", dataset_id=made, experiment_ids=["1"]),
    )
    assert [each.error for each in answers] == [None, None]


async def test_a_command_that_comes_twice_stores_nothing_twice(datasets, traces):
    made = await datasets.create()
    frames = [
        Frame(new_id(), "commands", (envelope(name, **fields),))
        for name, fields in (
            ("CreateDataset", {"name": "again"}),
            (
                "UpsertDatasetRecords",
                {"dataset_id": made, "records": json.dumps(numbered(1, 2, 1))},
            ),
        )
    ]
    for frame in frames:
        first = await traces.frame(frame=frame)
        outcome = await traces.executor.commands(frame, redelivered=True)
        assert [outcome.answers[0]] == first
    assert await datasets.rows() == [2, 0, 0, 2, 0]


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ("nothing", "Malformed JSON in 'records'"),
        ("[", "Malformed JSON in 'records'"),
        ("{}", "must be the JSON of a list"),
        ("null", "must be the JSON of a list"),
        ("[1]", "Each record must be a dictionary: 'records[0]'"),
        ("[{}, null]", "Each record must be a dictionary: 'records[1]'"),
        ('[{"inputs": []}]', "'records[0].inputs' must be a dictionary"),
        ('[{"inputs": null}]', "'records[0].inputs' must be a dictionary"),
        ('[{"inputs": "text"}]', "'records[0].inputs' must be a dictionary"),
        ('[{"inputs": NaN}]', "'records[0].inputs' must be a dictionary"),
        ('[{"expectations": [1]}]', "'records[0].expectations' must be a dictionary"),
        ('[{"tags": "x"}]', "'records[0].tags' must be a dictionary"),
        ('[{"tags": {"mlflow.user": 7}}]', "must be a text"),
        ('[{"tags": {"mlflow.user": "a\\u0000"}}]', "without NUL"),
        ('[{"tags": {"mlflow.user": "%s"}}]' % ("a" * 256), "exceeds the maximum length"),
        ('[{"source": "x"}]', "'records[0].source' must be a dictionary"),
        ('[{"source": {"source_data": {}}}]', "must consist of"),
        ('[{"source": {"source_type": 1}}]', "must consist of"),
        ('[{"source": {"source_type": "CODE", "more": 1}}]', "must consist of"),
        ('[{"source": {"source_type": "CODE", "source_data": []}}]', "must be a dictionary"),
        ('[{"source": {"source_type": "ROBOT"}}]', "Valid source types: ['UNSPECIFIED', 'TRACE'"),
        ('[{"source": {"source_type": "TRACE", "source_data": {"trace_id": [1]}}}]', "be a text"),
        ('[{"inputs": {"q": "\\ud800"}}]', "Malformed JSON in 'records'"),
        ('[{"inputs": {"q": %s}}]' % ("[" * 5000 + "]" * 5000), "Malformed JSON in 'records'"),
        ('[{"inputs": {"q": %s}}]' % ("9" * 5000), "Malformed JSON in 'records'"),
        (json.dumps([{}] * (limits.DATASET_RECORDS + 1)), "at most 1000 elements"),
        (json.dumps([{"inputs": {"q": "a" * limits.RECORD_JSON}}]), "characters of JSON"),
    ],
    ids=lambda value: value[:50],
)
async def test_what_is_no_record_is_refused(datasets, records, message):
    made = await datasets.create()
    body = {"dataset_id": made, "records": records}
    assert message in await refused(datasets.call("UpsertDatasetRecords", **body))
    assert await datasets.rows() == [1, 0, 0, 0, 0]


async def test_odd_values_are_read_as_they_were_merged(datasets):
    made = await datasets.create()
    odd = {
        "nul": "a\0b",
        "\0": "key",
        "endless": math.inf,
        "deep": json.loads("[" * 150 + "]" * 150),
        "long": "ü" * 100_000,
        "digits": 10**4000,
        "": "",
    }
    texts = json.dumps([{"inputs": odd, "expectations": odd, "tags": odd, "outputs": odd}])
    again = texts.replace("Infinity", "1e400")
    for text in (texts, again):
        await datasets.call("UpsertDatasetRecords", dataset_id=made, records=text)
    (record,) = await datasets.records(made)
    for part in ("inputs", "expectations", "tags", "outputs"):
        assert record[part] == odd
    # What pandas writes where a row of a DataFrame has no value.
    nothing = dict.fromkeys(("expectations", "tags", "source"), math.nan)
    assert await datasets.merge(made, {"inputs": {"q": 1}, **nothing}) == (1, 0)
    _, record = await datasets.records(made)
    assert record["tags"] == {}
    assert not record.keys() & {"expectations", "source"}


async def test_a_record_that_grows_too_large_is_refused(datasets):
    made = await datasets.create()
    third = "a" * (limits.RECORD_JSON // 3)
    for name in ("x", "y"):
        await datasets.merge(made, {"inputs": {}, "expectations": {name: third}})
    message = await refused(
        datasets.merge(made, {"inputs": {}, "expectations": {"z": third}}, *numbered(1))
    )
    assert "A record can contain at most" in message
    (record,) = await datasets.records(made)
    assert record["expectations"].keys() == {"x", "y"}


async def test_large_records_are_merged_and_read_a_few_at_a_time(datasets):
    made = await datasets.create()
    large = "a" * (limits.RECORD_JSON // 2 - 1000)
    for number in range(3):
        await datasets.merge(made, {"inputs": {"n": number}, "expectations": {"text": large}})
    merged = [{**each, "expectations": {"late": 1}} for each in numbered(0, 1, 2, 3)]
    assert await datasets.merge(made, *merged) == (1, 3)
    page, token = await datasets.page(made)
    assert (len(page), bool(token)) == (1, True)
    found = await datasets.records(made)
    assert [each["inputs"]["n"] for each in found] == [0, 1, 2, 3]
    assert all(each["expectations"]["late"] == 1 for each in found)


async def test_the_schema_has_room_for_so_many_fields(datasets):
    made = await datasets.create()
    for number in range(4):
        fields = {f"field {number} {index} {'x' * 40}": index for index in range(800)}
        await datasets.merge(made, {"inputs": fields, "outputs": {"a" * 200_000: 1}})
    await datasets.merge(made, {"inputs": {"y" * 9_000: 1}, "expectations": {"short": 1}})
    text = (await datasets.get(made))["schema"]
    assert 0.9 * limits.DATASET_SCHEMA < len(text) <= limits.DATASET_SCHEMA
    assert json.loads(text)["outputs"] == {}
    assert (await datasets.get(made))["profile"] == '{"num_records": 5}'


@pytest.mark.parametrize("token", ["x", "é", "MTIz", "MTIzOng=", "LTE6" + "MDAw" * 11, "7" * 30])
async def test_a_token_that_was_not_made_here_is_refused(datasets, token):
    made = await datasets.create()
    assert "page token" in await refused(datasets.page(made, page_token=token))


async def test_records_of_an_unknown_dataset_are_refused(datasets):
    for dataset_id in ("d-" + "0" * 32, "d-x", "x", "a\x7f"):
        message = await refused(
            datasets.merge(dataset_id, *numbered(1)), ErrorCode.RESOURCE_DOES_NOT_EXIST
        )
        assert message == f"Evaluation dataset with id '{dataset_id}' not found"
        assert await datasets.page(dataset_id) == ([], None)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"tags": "["}, "Malformed JSON in 'tags'"),
        ({"tags": "[]"}, "must be the JSON of an object"),
        ({"tags": '{"a": "\\u0000"}'}, "NUL"),
        ({"tags": '{"\\u0000": "a"}'}, "NUL"),
        ({"tags": '{"a": "\\ud800"}'}, "Malformed JSON in 'tags'"),
        ({"tags": json.dumps({"k" * 256: ""})}, "exceeds the maximum length of 255"),
        ({"tags": json.dumps({"k": "v" * 5001})}, "exceeds the maximum length of 5000"),
        ({"tags": json.dumps(dict.fromkeys(map(str, range(1001)), ""))}, "at most 1000 elements"),
        ({"tags": '{"mlflow.user": []}'}, "must be a text"),
        ({"name": "n" * 256}, "'name' exceeds the maximum length of 255"),
        ({"name": "a\0"}, "NUL"),
        ({"experiment_ids": ["1" * 37]}, "exceeds the maximum length of 36"),
        ({"experiment_ids": ["1"] * 101}, "at most 100 elements"),
    ],
    ids=lambda value: str(value)[:50],
)
async def test_a_wrong_dataset_is_refused(datasets, fields, message):
    assert message in await refused(datasets.call("CreateDataset", **{"name": "d", **fields}))
    assert await datasets.rows() == [0] * 5


async def test_a_tag_that_is_null_is_removed(datasets):
    made = await datasets.create(tags={"a": "1", "b": "2", "c": None})
    assert json.loads((await datasets.get(made))["tags"]) == {"a": "1", "b": "2"}
    tags = json.dumps({"a": None, "missing": None, "b": "3"})
    await datasets.call("SetDatasetTags", dataset_id=made, tags=tags)
    assert json.loads((await datasets.get(made))["tags"]) == {"b": "3"}


async def test_tracking_is_asked_about_experiments_before_anything_is_written(datasets, tracking):
    made = await datasets.create()
    tracking.stages["2"] = "deleted"
    body = {"dataset_id": made, "experiment_ids": ["2", "1", "3"]}
    missing = ErrorCode.RESOURCE_DOES_NOT_EXIST
    message = await refused(datasets.call("AddDatasetToExperiments", **body), missing)
    assert message == "No Experiment with id=3"
    for odd in ("01", "+1", " 1", "\u0661", "x", "", str(2**63), "9" * 5000, "-1"):
        body = {"dataset_id": made, "experiment_ids": [odd]}
        await refused(datasets.call("AddDatasetToExperiments", **body), missing)
    asked = len(tracking.asked)
    body = {"dataset_id": made, "experiment_ids": ["2", "1"]}
    for _ in range(2):
        await datasets.call("AddDatasetToExperiments", **body)
    assert len(tracking.asked) == asked + 2
    reply = await datasets.call("GetDatasetExperimentIds", dataset_id=made)
    assert reply == {"experiment_ids": ["1", "2"]}


async def test_a_deleted_dataset_leaves_nothing(datasets):
    made = await datasets.create(tags={"a": "1"}, experiment_ids=["1"])
    kept = await datasets.create("kept", tags={"a": "1"}, experiment_ids=["1"])
    await datasets.merge(kept, *numbered(1))
    for start in range(0, PORTION + 1, PORTION // 2):
        await datasets.merge(made, *numbered(*range(start, start + PORTION // 2)))
    await datasets.call("DeleteDataset", dataset_id=made)
    assert await datasets.page(made) == ([], None)
    await refused(datasets.get(made), ErrorCode.RESOURCE_DOES_NOT_EXIST)
    await refused(datasets.merge(made, *numbered(1)), ErrorCode.RESOURCE_DOES_NOT_EXIST)
    assert await datasets.search() == (["kept"], None)
    pool = datasets.traces.pool
    assert [await purge_records(pool) for _ in range(3)] == [True, True, False]
    assert await datasets.rows() == [1, 1, 1, 1, 0]


async def test_changes_beside_a_deletion_leave_nothing(datasets):
    made = await datasets.create()
    tags = json.dumps({"a": "1"})
    changes = (
        datasets.call("SetDatasetTags", dataset_id=made, tags=tags),
        datasets.call("AddDatasetToExperiments", dataset_id=made, experiment_ids=["1"]),
        datasets.merge(made, *numbered(1, 2)),
        datasets.call("DeleteDataset", dataset_id=made),
    )
    await asyncio.gather(*(change for change in changes), return_exceptions=True)
    while await purge_records(datasets.traces.pool):
        pass
    assert await datasets.rows() == [0] * 5


async def test_a_purged_experiment_loses_its_links(datasets, traces):
    for number in range(3):
        await datasets.create(f"d{number}", experiment_ids=["1", "2"])
    await datasets.create("other", OTHER, experiment_ids=["1"])
    await traces.happen("experiment.deleted", experiment_id="1")
    assert len((await datasets.search(experiment_ids=["1"]))[0]) == 3
    await traces.happen("experiment.purged", experiment_id="1")
    while await purge_portion(traces.pool):
        pass
    assert await datasets.search(experiment_ids=["1"]) == ([], None)
    assert len((await datasets.search(experiment_ids=["2"]))[0]) == 3
    assert await datasets.search(OTHER, experiment_ids=["1"]) == (["other"], None)


async def test_deleted_records_are_counted(datasets):
    made = await datasets.create()
    await datasets.merge(made, *numbered(*range(5)))
    ids = [each["dataset_record_id"] for each in await datasets.records(made)]
    before = await datasets.get(made)
    body = {"dataset_id": made, "dataset_record_ids": [*ids[:2], ids[0], "dr-" + "0" * 32, "x"]}
    assert await datasets.call("DeleteDatasetRecords", **body) == {"deleted_count": 2}
    assert await datasets.call("DeleteDatasetRecords", **body) == {"deleted_count": 0}
    assert await datasets.get(made) == {**before, "profile": '{"num_records": 3}'}
    assert await datasets.merge(made, *numbered(*range(5))) == (2, 3)


async def test_projects_do_not_see_one_another(datasets):
    made = await datasets.create(tags={"a": "1"}, experiment_ids=["1"])
    await datasets.merge(made, *numbered(1))
    (record,) = await datasets.records(made)
    missing = ErrorCode.RESOURCE_DOES_NOT_EXIST
    await refused(datasets.get(made, OTHER), missing)
    await refused(datasets.merge(made, *numbered(2), project=OTHER), missing)
    assert await datasets.page(made, OTHER) == ([], None)
    assert await datasets.search(OTHER) == ([], None)
    assert await datasets.search(OTHER, filter_string="tags.a = '1'", experiment_ids=["1"]) == (
        [],
        None,
    )
    ids = [record["dataset_record_id"]]
    of_it = {"dataset_id": made}
    for name, fields in (
        ("SetDatasetTags", {"tags": '{"b": 1}'}),
        ("AddDatasetToExperiments", {"experiment_ids": ["2"]}),
        ("RemoveDatasetFromExperiments", {"experiment_ids": ["1"]}),
    ):
        await refused(datasets.call(name, OTHER, **of_it, **fields), missing)
    for name, fields in (
        ("DeleteDatasetTag", {"key": "a"}),
        ("DeleteDatasetRecords", {"dataset_record_ids": ids}),
        ("DeleteDataset", {}),
        ("GetDatasetExperimentIds", {}),
    ):
        reply = await datasets.call(name, OTHER, **of_it, **fields)
        assert reply in ({}, {"deleted_count": 0}, {"experiment_ids": []})
    assert await datasets.records(made) == [record]
    assert json.loads((await datasets.get(made))["tags"]) == {"a": "1"}


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({}, "543210"),
        ({"filter_string": "name LIKE 'd%' AND tags.team = 't1'"}, "41"),
        ({"filter_string": "tags.team != 't1'"}, "5320"),
        ({"filter_string": "tags.long LIKE 'x%'"}, "543210"),
        ({"filter_string": "tags.long ILIKE 'XX%'", "experiment_ids": ["e1", "e1"]}, "531"),
        ({"filter_string": "name IN ('d1', 'd4', 'other')"}, "41"),
        ({"filter_string": "name != 'd4'", "order_by": ["name"]}, "01235"),
        ({"filter_string": "created_by = 'u0' AND created_time > 0"}, "420"),
        ({"filter_string": "last_updated_by = 'u1'"}, "531"),
        ({"filter_string": "created_by ILIKE 'U1'", "order_by": ["created_time"]}, "135"),
        ({"experiment_ids": ["e0", "e1"], "order_by": ["last_update_time ASC"]}, "012345"),
        ({"experiment_ids": ["other"]}, ""),
        ({"order_by": ["name DESC", "created_time"]}, "543210"),
    ],
)
@pytest.mark.parametrize("budget", [None, SMALL], ids=["bounds", "small bounds"])
async def test_searches_find_the_same_in_every_way_and_page(datasets, fields, names, budget):
    for number in range(6):
        await datasets.create(
            f"d{number}",
            tags={
                "mlflow.user": f"u{number % 2}",
                "team": f"t{number % 3}",
                "long": "x" * 300,
            },
            experiment_ids=[f"e{number % 2}"],
        )
        await asyncio.sleep(0.002)
    of_all, _ = await datasets.search(**fields)
    assert "".join(name[1:] for name in of_all) == names
    found, token = [], ""
    async with datasets.traces.pool.acquire() as connection:
        while token is not None:
            query = SearchEvaluationDatasets(max_results=2, page_token=token, **fields)
            page = await search_evaluation_dataset_ids(connection, PROJECT, query, budget)
            token = page.next_page_token
            found += page.items
    rows = await datasets.traces.pool.fetch("SELECT dataset_id, name FROM evaluation_datasets")
    by_id = {row["dataset_id"]: row["name"][1:] for row in rows}
    assert "".join(by_id[each] for each in found) == names


async def test_a_name_with_both_kinds_of_quotes_is_found_as_clients_write_it(datasets):
    name = 'it\'s a "name"'
    await datasets.create(name)
    await datasets.create("its name")
    for text in (f"name = '{name.replace(chr(39), chr(39) * 2)}'", "name ILIKE '%T''S%'"):
        assert await datasets.search(filter_string=text) == ([name], None)


async def test_a_page_of_large_datasets_is_shorter(datasets):
    tags = {f"k{number}": "v" * 5000 for number in range(80)}
    for number in range(4):
        await datasets.create(f"d{number}", tags=tags)
    token, pages = "", []
    while token is not None:
        names, token = await datasets.search(order_by=["name"], page_token=token)
        pages.append(names)
    assert pages == [["d0", "d1", "d2"], ["d3"]]
    message = await refused(
        datasets.search(page_token=(await datasets.search(order_by=["name"]))[1])
    )
    assert "page token" in message
