"""Searching traces by their spans, and by text."""

import json
from random import Random

import pytest

from services.gateway.otlp.prices import Prices
from services.gateway.otlp.requests import JSON, split
from services.gateway.otlp.spans import read_span
from services.traces.store import span_clauses
from services.traces.store.search_traces import Searched, search_trace_ids
from shared.contracts.errors import DomainError
from shared.mlflow.search.bounded import Budget
from tests.integration.traces.conftest import PROJECT, span

SMALL = Budget(driven=1, walked=1, shared=1, pages=1, step=1)
"""Bounds that a handful of traces reaches, so that every way to search is taken."""

LONG = "n" * 300


def attributes(**values):
    """Return attributes as they are stored: each value is JSON."""
    return {key: json.dumps(value, ensure_ascii=False) for key, value in values.items()}


@pytest.fixture
async def filled(traces):
    """Four traces. The higher number is the newer one."""
    for number in range(4):
        await traces.start(f"tr-{number}", request_time=f"2026-01-01T00:00:0{number}Z")
    await traces.log(
        span("tr-0", 1, name="agent", type="AGENT", attributes=attributes(**{"user id": "Anna"})),
        span("tr-0", 2, 1, name="ask", type="LLM", status="ERROR", attributes=attributes(model="gpt-4o", n=5)),
        span("tr-1", 1, name="ask", type="CHAIN", attributes=attributes(model={"name": "gpt-4o"})),
        span("tr-1", 2, 1, name="search", type="LLM", attributes=attributes(other="gpt-4o", model="é")),
        span("tr-2", 1, name=LONG, type="TOOL", status="UNSET", attributes=attributes(q='say "hi"\n')),
        span("tr-3", 1, name="Ask", type="LLM", attributes=attributes(zero="a\0b", empty="")),
    )  # fmt: skip
    return traces


CASES = [
    ("span.name = 'ask'", "10"),
    ("span.name = 'none'", ""),
    ("span.name != 'ask'", "3210"),
    ("span.name IN ('ask', 'Ask')", "310"),
    ("span.name NOT IN ('ask', 'Ask')", "210"),
    ("span.name LIKE 'a%'", "10"),
    ("span.name LIKE '%s%'", "310"),
    ("span.name ILIKE 'ASK'", "310"),
    ("span.name RLIKE '^[aA]sk$'", "310"),
    (f"span.name = '{LONG}'", "2"),
    ("span.name LIKE 'nnn%'", "2"),
    ("span.name ILIKE 'NNN%'", "2"),
    ("span.type = 'LLM'", "310"),
    ("span.type ILIKE 'llm'", "310"),
    ("span.type ILIKE 'none'", ""),
    ("span.type != 'LLM'", "210"),
    ("span.status = 'ERROR'", "0"),
    ("span.status != 'OK'", "20"),
    ("span.status IN ('UNSET')", "2"),
    # One span must satisfy all.
    ("span.name = 'ask' AND span.type = 'LLM'", "0"),
    ("span.name = 'ask' AND span.type = 'LLM' AND span.status = 'OK'", ""),
    ("span.type = 'LLM' AND span.status = 'ERROR'", "0"),
    ("span.type = 'LLM' AND span.content LIKE '%gpt-4o%'", "10"),
    ("span.name = 'ask' AND span.attributes.model LIKE '%gpt%'", "10"),
    ("span.attributes.model = 'gpt-4o'", "0"),
    ("span.attributes.model != 'gpt-4o'", "1"),
    ("span.attributes.model IN ('é', 'x')", "1"),
    ("span.attributes.model LIKE 'gpt%'", "0"),
    ("span.attributes.model LIKE '%GPT%'", ""),
    ("span.attributes.model ILIKE '%GPT%'", "10"),
    ("span.attributes.model RLIKE '^gpt-[0-9]o$'", "0"),
    ("span.attributes.n = '5'", "0"),
    ("span.attributes.`user id` = 'Anna'", "0"),
    ("span.attributes.q = 'say \"hi\"\n'", "2"),
    ("span.attributes.empty = ''", "3"),
    ("span.attributes.zero LIKE '%b%'", "3"),
    ("span.attributes.none LIKE '%'", ""),
    ("span.content LIKE '%Anna%'", "0"),
    ("span.content ILIKE '%aNNA%'", "0"),
    ("span.content ILIKE '%é%'", "1"),
    ("trace.text LIKE '%gpt-4o%'", "10"),
    ("text ILIKE '%nothing%'", ""),
    ("text LIKE '%gpt-4o%' AND timestamp >= 1767225601000", "1"),
    ("span.type = 'LLM' AND timestamp < 1767225601000", "0"),
    ("request_id = 'tr-3' AND text LIKE '%ask%'", ""),
    ("request_id = 'tr-3' AND text LIKE '%Ask%'", "3"),
]


async def pages(filled, text, budget=None, orders=(), size=10):
    """Return the last digits of the traces on all pages, and the number of pages."""
    found, token, number = "", None, 0
    while token or not number:
        searched = Searched([1], text, list(orders), size, token)
        async with filled.pool.acquire() as connection:
            page = await search_trace_ids(connection, PROJECT, searched, budget)
        found += "".join(each.removeprefix("tr-") for each in page.items)
        token, number = page.next_page_token, number + 1
    return found, number


@pytest.mark.parametrize("values", [span_clauses.MOST_VALUES, 1], ids=["few values", "many values"])
async def test_a_filter_finds_what_satisfies_it(filled, monkeypatch, values):
    monkeypatch.setattr(span_clauses, "MOST_VALUES", values)
    for text, numbers in CASES:
        for budget in (None, SMALL):
            assert await pages(filled, text, budget) == (numbers, 1), text


async def test_a_page_ends_when_its_time_is_over_and_the_next_one_goes_on(filled):
    budget = Budget(step=1, seconds=0)
    assert await pages(filled, "text LIKE '%gpt-4o%'", budget) == ("10", 5)
    assert await pages(filled, "text LIKE '%gpt-4o%'", budget, size=1) == ("10", 5)
    assert await pages(filled, "text LIKE '%none%'", budget) == ("", 5)
    assert await pages(filled, "text LIKE '%'", budget, ["timestamp"]) == ("0123", 5)
    assert await pages(filled, "text LIKE '%'", budget, ["name", "request_id DESC"]) == ("3210", 5)


async def test_random_filters_find_the_same_whichever_way_they_are_searched(filled):
    random = Random(19)
    for _ in range(60):
        text = " AND ".join(random.choice(CASES)[0] for _ in range(random.randint(2, 3)))
        size = random.choice((1, 2, 10))
        found = {(await pages(filled, text, budget, size=size))[0] for budget in (None, SMALL)}
        assert len(found) == 1, text


async def test_only_the_named_experiments_and_the_own_project_are_searched(filled):
    await filled.start("tr-8", experiment="2")
    await filled.log(span("tr-8", 1, name="ask", type="LLM"), experiment="2")
    for text in ("span.name = 'ask'", "text LIKE '%ask%'", "span.type ILIKE 'llm'"):
        assert (await filled.search(["2"], filter=text)) == (["tr-8"], None)
        both, _ = await filled.search(["1", "2"], filter=text)
        assert {"tr-8", "tr-0", "tr-1"} <= set(both)
        elsewhere = [{"mlflow_experiment": {"experiment_id": "1"}}]
        page = await filled.call("SearchTracesV3", 8, locations=elsewhere, filter=text)
        assert page["traces"] == []


async def test_spans_follow_their_trace_into_another_experiment(filled):
    await filled.start("tr-0", experiment="2")
    assert await filled.search(filter="span.status = 'ERROR'") == ([], None)
    assert await filled.search(["2"], filter="span.status = 'ERROR'") == (["tr-0"], None)
    await filled.log(span("tr-0", 3, 1, name="late"))
    assert await filled.search(["2"], filter="span.name = 'late'") == (["tr-0"], None)


async def test_a_finished_copy_of_a_span_is_found_by_its_new_type(traces):
    await traces.log(span("tr-1", 1, type="UNKNOWN", status="UNSET", end_time_ns=None))
    await traces.log(span("tr-1", 1, type="LLM", status="ERROR"))
    assert await traces.search(filter="span.type = 'UNKNOWN'") == ([], None)
    assert await traces.search(filter="span.type = 'LLM' AND span.status = 'ERROR'") == (
        ["tr-1"],
        None,
    )


async def test_a_type_that_a_convention_says_is_found(traces):
    """MLflow's server finds it in the span's JSON only."""
    otlp = {
        "traceId": "01" * 16,
        "spanId": "02" * 8,
        "name": "chat",
        "startTimeUnixNano": "1767225600000000000",
        "endTimeUnixNano": "1767225601000000000",
        "attributes": [{"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}}],
    }
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [otlp]}]}]}).encode()
    (received,) = split(body, JSON)
    made = read_span(received.read(), received.resource, Prices(None)).span
    await traces.log(made.model_dump())
    assert await traces.search(filter="span.type = 'CHAT_MODEL'") == ([made.trace_id], None)


async def test_a_long_type_is_cut(traces):
    await traces.log(span("tr-1", 1, type="T" * 5_000, model_name="é" * 5_000, name="n" * 5_000))
    assert await traces.search(filter=f"span.type = '{'T' * 250}'") == (["tr-1"], None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "span.size = 'a'",
            "Invalid span attribute 'size'. Supported attributes: name, status, type",
        ),
        ("span.attributes. = 'a'", "cannot be empty"),
        ("span.content = 'a'", "span.content comparator '=' not one of"),
        ("trace.text = 'a'", "span.content comparator '=' not one of"),
        ("text RLIKE 'a'", "span.content comparator 'RLIKE' not one of"),
        ("text IN ('a')", "attributes support comparison with a list"),
        ("span.name > 'a'", "Invalid comparator"),
        ("span.name IS NULL", "only supported for tags and metadata"),
        ("span.name = 5", "Expected a quoted string value for span"),
        ("span.name = ('a')", "Expected value token"),
        ("span.name IN ()", "non-empty list"),
        ("span.name RLIKE '('", "Invalid regular expression"),
        ("span.attributes.a RLIKE '['", "Invalid regular expression"),
    ],
)
async def test_a_mistake_is_explained(traces, text, message):
    with pytest.raises(DomainError) as caught:
        await traces.search(filter=text)
    assert message in caught.value.message
