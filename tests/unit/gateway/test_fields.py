"""A path's parameters replace the same fields in the body and the query string, in every spelling."""

import json
from typing import Any

import pytest
from pydantic import AliasChoices, Field

from services.gateway.gitlab import endpoints as rest
from services.gateway.gitlab import workspaces
from services.gateway.http.fields import Overlay
from services.gateway.http.routing import variables
from services.gateway.mlflow.endpoints import ENDPOINTS
from shared.contracts.errors import DomainError
from shared.contracts.message import Query
from shared.messaging.messages import Answer

MOUNT = "/api/v4/projects/1/ml/mlflow"
TOKEN = {"PRIVATE-TOKEN": "glpat-x"}
PAGE = {"items": [], "total": 0, "page": 1, "per_page": 20, "model": {"info": {"artifact_uri": ""}}}

ROUTES: list[tuple[str, str, Any, Any]] = [
    (method, prefix + endpoint.prefixes[0] + endpoint.path, endpoint.contract, {})
    for endpoint in ENDPOINTS
    for method in endpoint.methods.split()
    for prefix in ("", MOUNT)
    if variables(endpoint.path)
] + [
    (*next(endpoint.routes), endpoint.contract, endpoint.implied_fields)
    for endpoint in (*rest.ENDPOINTS, *workspaces.ENDPOINTS)
    if variables(endpoint.path) or endpoint.implied_fields
]


class Thing(Query):
    service = "toy"

    thing_id: str = Field(validation_alias=AliasChoices("thing_id", "thingId", "old_id"))
    free: str = ""


def names_of(contract, variable):
    """Return every name by which a contract reads a field, found by trying."""
    field = contract.model_fields[variable]
    alias = field.validation_alias
    return {variable, *(alias.choices if isinstance(alias, AliasChoices) else [alias])}


@pytest.fixture
def bus(bus):
    bus.reply = Answer(json.dumps(PAGE).encode())
    return bus


@pytest.mark.parametrize("where", ["body", "query"])
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route[0]} {route[1]}")
async def test_the_path_goes_before_every_name_of_its_fields(client, bus, route, where):
    method, path, contract, fixed = route
    inside = variables(path)
    ours = dict.fromkeys(inside, "1") | fixed
    said = {
        name: "false" if ours[each] is True else "2"
        for each in ours
        for name in names_of(contract, each)
    }
    for each in inside:
        path = path.replace(f"{{{each}:path}}", "1").replace(f"{{{each}}}", "1")
    sent = {"json": said} if where == "body" else {"params": said}
    async with client.request(method, path, headers=TOKEN, **sent):
        pass
    payload = json.loads(bus.envelope.payload)
    assert {name: payload[name] for name in said if name in payload} == ours


def test_every_variable_of_a_path_is_a_field_by_its_own_name():
    for _, path, contract, fixed in ROUTES:
        assert {*variables(path), *fixed} <= contract.model_fields.keys()


@pytest.mark.parametrize(
    ("body", "read"),
    [
        (b"", {}),
        (b'{"thing_id": "2", "thingId": "2", "old_id": "2", "free": "x"}', {"free": "x"}),
        (b'{"free": NaN, "thingId": "2"}', {"free": "NaN"}),
    ],
)
def test_overlay_replaces_a_field_whatever_it_is_called(body, read):
    payload = Overlay(Thing).put(body, {"thing_id": "1"})
    assert json.loads(payload, parse_constant=str) == {"thing_id": "1"} | read


@pytest.mark.parametrize("body", [b"{", b"[1]", b"null", b'"text"', b"\xef\xbb\xbf{}", b"1"])
def test_body_that_is_no_object_does_not_pass_without_the_fields_of_the_path(body):
    with pytest.raises(DomainError, match=r"JSON|object"):
        Overlay(Thing).put(body, {"thing_id": "1"})
