"""``/graphql`` answers every body soon, and says what is wrong with it."""

import contextlib
import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis_graphql import queries

from services.gateway.graphql.limits import MAX_BODY, MAX_CHARACTERS, MAX_VALUES
from services.gateway.graphql.prepared import QueryRefusedError, check_size, prepare
from services.gateway.graphql.schema import SCHEMA
from tests.unit.gateway.graphql.queries import GET_RUN, body_of

JSON = {"Content-Type": "application/json"}
SOON = 2.0
"""Seconds of CPU time; the slowest takes a tenth of it on an idle machine."""


def refusal(text):
    with pytest.raises(QueryRefusedError) as caught:
        prepare(text)
    return caught.value.messages[0]


def nested(levels, start="{ mlflowGetRun { run { experiment"):
    return start + " { tags" * levels


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "Syntax Error: Unexpected <EOF>."),
        ("{", "Syntax Error: Expected Name, found <EOF>."),
        ("{ nope }", "Cannot query field 'nope' on type 'Query'."),
        ("{ mlflowGetRun }", "must have a selection of subfields"),
        ("{ mlflowGetRun(input: {runId: 1}) { run { info { runId } } } }", "String cannot represent"),
        ('{ mlflowGetRun(input: {id: "1"}) { run { info { runId } } } }', "not to include unknown field 'id'"),
        ("query ($a: Nope) { test(inputString: $a) { output } }", "Unknown type 'Nope'."),
        ("query ($a: Int) { __typename }", "Variable '$a' is never used."),
        ("{ test(inputString: $a) { output } }", "Variable '$a' is not defined."),
        ("{ ...f }", "Unknown fragment 'f'."),
        ("{ ...f } fragment f on Query { ...f }", "Cannot spread fragment 'f' within itself."),
        ("{ ...f } fragment f on Query { ...g } fragment g on Query { ...f }", "within itself via 'g'."),
        ("{ __typename @include(if: true) }", "Unknown directive '@include'."),
        ("subscription { a }", "subscription"),
        ("fragment f on Query { __typename }", "Fragment 'f' is never used."),
        ("{ __schema { types { name } } }", "introspection has been disabled"),
        ("{ a: test { output } a: __typename }", "'test' and '__typename' are different fields"),
        ('{ test(inputString: "a") { output } test(inputString: "b") { output } }', "they have different arguments"),
        ("{ test { a: output a: __typename } }", "'output' and '__typename' are different fields"),
        ("type A { b: Int }", "not executable"),
    ],
)  # fmt: skip
def test_bad_query_is_refused(query, message):
    assert message in refusal(query)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("{" + " a" * 11 + "}", "A GraphQL query can have at most 10 root fields, got 11."),
        ("{" + " ...f" * 2 + "} fragment f on Query {" + " a" * 11 + "}", "root fields, got 11."),
        ("{a}" * 6 + "query B {" + " a" * 5 + "}", "root fields, got 11."),
        ("{ test {" + "".join(f" a{n}: output" for n in range(11)) + "} }", "10 aliases, got 11."),
        ("{ test {" + "".join(f" ... {{ a{n}: output }}" for n in range(11)) + "} }", "10 aliases, got 11."),
        ("{ test {" + " output" * 1_000 + "} }", "Query exceeds maximum total selections of 1000"),
        ("{ a" * 11 + "}" * 11, "Query exceeds maximum depth of 10"),
        ("{ ...f } fragment f on Query { a { ...f } }", "Query exceeds maximum depth of 10"),
        ("{ a { ...f } } fragment f on A {" + " ...f ... { ...f }" * 1_000 + "}", "more than 5000 tokens"),
        ("{" + " b { ...f }" * 10 + "} fragment f on A {" + " ... { ...f }" * 800 + " c { ...f } }", "too many fragments"),
        ("{ a(b: " + "[" * 4_000, "nested too deeply"),
        ("{ a" * 2_000, "nested too deeply"),
        ("# " + "x" * 100_000, "A query can have at most 100000 characters, got 100002."),
        ("{" + " a" * 5_001, "more than 5000 tokens"),
    ],
)  # fmt: skip
def test_query_over_a_limit_is_refused(query, message):
    assert message in refusal(query)


def test_no_message_repeats_a_whole_query():
    assert len(refusal("{ " + "o" * 90_000 + " }")) < 2_000


def test_limits_are_mlflows():
    assert prepare("{" + "".join(f" a{n}: __typename" for n in range(10)) + "}")
    assert prepare("{ test {" + " output" * 999 + "} }")


HEAVY = {
    "same field": "{ test {" + " output" * 999 + "} }",
    "fields in fields": "{" + (" test {" + " output" * 98 + "}") * 10 + "}",
    "fragments in turn": "{ ...f0 }"
    + "".join(f" fragment f{n} on Query {{ ...f{n + 1} }}" for n in range(600))
    + " fragment f600 on Query { __typename }",
    "fragments that double": "{ mlflowSearchRuns { ...f0 } }"
    + "".join(f" fragment f{n} on A {{ a {{ ...f{n + 1} }} b {{ ...f{n + 1} }} }}" for n in range(9))
    + " fragment f9 on A { c }",
    "unknown names": "{ test {" + "".join(f" outpu{n}" for n in range(990)) + "} }",
    "long unknown name": "{ test { " + "o" * 90_000 + " } }",
    "arguments": "{ test(" + "".join(f" a{n}: 1" for n in range(1_500)) + ") { output } }",
    "members": "{ mlflowGetRun(input: {" + "".join(f" a{n}: 1" for n in range(1_500)) + "}) { apiError { code } } }",
    "variables": "query (" + "".join(f" $a{n}: Int" for n in range(1_200)) + ") { __typename }",
    "operations": "".join(f" query a{n} {{ ...f }}" for n in range(10)) + " fragment f on Query { __typename }",
    "directives": "{ __typename" + " @x" * 2_000 + "}",
    "list": "{ mlflowSearchRuns(input: {experimentIds: [" + '"1" ' * 4_900 + "]}) { apiError { code } } }",
    "text": '{ test(inputString: "' + "\\u0041" * 16_000 + '") { output } }',
    "spaces": " " * 99_000 + "{ __typename }",
}  # fmt: skip


@pytest.mark.parametrize("query", HEAVY.values(), ids=HEAVY)
def test_heavy_query_is_prepared_or_refused_soon(query):
    began = time.process_time()
    with contextlib.suppress(QueryRefusedError):
        prepare(query)
    assert time.process_time() - began < SOON


@pytest.mark.parametrize(
    "variables",
    [
        {"a": ["1"] * (MAX_VALUES + 1)},
        {"a": [["1"] * 200] * 200},
        {str(n): n for n in range(MAX_VALUES + 1)},
    ],
)
def test_variables_over_the_limit_are_refused(variables: dict[str, Any]):
    with pytest.raises(QueryRefusedError, match="at most 10000 values"):
        check_size(variables)
    check_size({"a": ["1"] * (MAX_VALUES - 1)})


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"null", b"[]", b'[{"query":"{__typename}"}]', b"{}", b'{"query":null}', b'{"query":5}', b'"x"', b"\xff",
        b'{"query":"{__typename}","variables":[1]}', b'{"query":"{__typename}","variables":"a"}',
        b'{"query":"{__typename}","operationName":5}', b'{"query":"\\ud800"}', b"[" * 10_000,
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_body_that_is_no_question_is_a_bad_request(client, bus, body, method):
    response = await client.request(method, "/graphql", data=body, headers=JSON)
    assert (response.status, (await response.json())["error_code"]) == (
        400,
        "INVALID_PARAMETER_VALUE",
    )
    assert not bus.sent


async def test_other_content_types_and_methods_are_refused(client):
    response = await client.post("/graphql", data=b"{}", headers={"Content-Type": "text/plain"})
    assert response.status == 400
    assert (await client.put("/graphql", json={})).status == 405


async def test_body_over_the_limit_is_refused(client, settings):
    response = await client.post("/graphql", json={"query": "x" * settings.max_body_bytes})
    assert response.status == 400
    assert "at most" in (await response.json())["message"]


class TestLargeSetting:
    """The setting allows the largest bodies of REST. GraphQL's bodies are read on the event loop."""

    @pytest.fixture
    def settings(self, default_settings):
        return default_settings

    @pytest.mark.parametrize("filler", ["[],", "{},", "1,"])
    async def test_body_that_would_hold_the_event_loop_is_refused(self, client, filler):
        many = filler * (MAX_BODY // len(filler))
        body = f'{{"query":"{{__typename}}","variables":{{"a":[{many}1]}}}}'
        response = await client.post("/graphql", data=body, headers=JSON)
        assert response.status == 400
        assert f"at most {MAX_BODY}" in (await response.json())["message"]

    async def test_longest_query_fits_however_it_is_escaped(self, client):
        query = "{__typename}#".ljust(MAX_CHARACTERS, "x")
        escaped = "".join(f"\\u{ord(each):04x}" for each in query)
        body = f'{{"query":"{escaped}"}}'
        response = await client.post("/graphql", data=body, headers=JSON)
        assert (await response.json())["data"] == {"__typename": "Query"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"runId": 1}, "String cannot represent"),
        ({"runId": ["1"]}, "String cannot represent"),
        ({"run_id": "1"}, "not to include unknown field 'run_id'"),
    ],
)
async def test_variables_of_wrong_types_are_refused(client, bus, given, message):
    response = await client.post("/graphql", json=body_of(GET_RUN, **given))
    body = await response.json()
    assert (response.status, body["data"]) == (200, None)
    assert message in body["errors"][0]
    assert not bus.sent


@pytest.mark.parametrize(("given", "right"), [(5, 5), ("-5", -5), (str(2**63 - 1), 2**63 - 1)])
async def test_long_is_a_number_or_its_digits(client, bus, given, right):
    query = "query ($n: LongString) { mlflowSearchModelVersions(input: {maxResults: $n}) { nextPageToken } }"
    await client.post("/graphql", json={"query": query, "variables": {"n": given}})
    assert bus.parameters == {"maxResults": right}
    literal = query.replace("($n: LongString)", "").replace("$n", json.dumps(given))
    await client.post("/graphql", json={"query": literal})
    assert bus.parameters == {"maxResults": right}


@pytest.mark.parametrize("given", ["x", "", "1.0", 1.5, True, [1], 2**63, "9" * 30])
async def test_other_values_are_no_longs(client, bus, given):
    query = "query ($n: LongString) { mlflowSearchModelVersions(input: {maxResults: $n}) { nextPageToken } }"
    response = await client.post("/graphql", json={"query": query, "variables": {"n": given}})
    body = await response.json()
    assert (response.status, body["data"]) == (200, None)
    assert "LongString cannot represent" in body["errors"][0]


@settings(max_examples=40, deadline=None)
@given(queries(SCHEMA))
def test_valid_queries_are_prepared_unless_a_limit_forbids_it(query):
    try:
        assert prepare(query).operations
    except QueryRefusedError as refused:
        limits = ("at most", "exceeds", "introspection", "conflict", "cannot represent", "nested")
        assert any(word in refused.messages[0] for word in limits), refused.messages


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet='{}()[]:$!@."#&|= \n\\abtest...fragment on', max_size=200))
def test_any_text_is_prepared_or_refused(text):
    try:
        prepare(text)
    except QueryRefusedError as refused:
        assert refused.messages
