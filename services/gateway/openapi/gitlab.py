"""OpenAPI's operations of GitLab's REST API and of MLflow's workspaces."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from pydantic.json_schema import JsonSchemaValue

from services.gateway.gitlab import workspaces
from services.gateway.gitlab.endpoints import API, ENDPOINTS, RestEndpoint
from services.gateway.http.routing import variables
from services.gateway.openapi.schemas import REF, json_content, query_parameters
from shared.contracts import accounts as a
from shared.contracts import members as m
from shared.contracts import projects as p
from shared.contracts import tokens as t
from shared.contracts import workspaces as w
from shared.contracts.accounts import Paged
from shared.contracts.message import Message, Wire

REPLIES: Mapping[type[Message], type[Wire]] = {
    a.GetUser: a.OthersUser,
    a.ListUsers: a.BasicUser,
    a.CreateUser: a.User,
    a.ListGroups: a.Group,
    a.CreateGroup: a.Group,
    a.GetGroup: a.Group,
    p.ListProjects: p.ProjectReply,
    p.CreateProject: p.ProjectReply,
    p.GetProject: p.ProjectReply,
    p.UpdateProject: p.ProjectReply,
    p.DeleteProject: p.Accepted,
    m.ListMembers: m.Member,
    m.GetMember: m.Member,
    m.AddMember: m.Member,
    m.UpdateMember: m.Member,
    t.ListTokens: t.Token,
    t.GetToken: t.Token,
    t.CreateToken: t.Token,
    t.RotateToken: t.Token,
    t.ListAccessTokens: t.Token,
    t.GetAccessToken: t.Token,
    t.CreateAccessToken: t.Token,
    t.RotateAccessToken: t.Token,
    w.ListWorkspaces: w.WorkspacesReply,
    w.GetWorkspace: w.WorkspaceReply,
    w.CreateWorkspace: w.WorkspaceReply,
    w.UpdateWorkspace: w.WorkspaceReply,
}
"""The reply of each contract. Other contracts reply ``true``, or have status 204. A page is a list of such replies."""

CONTRACTS = tuple(dict.fromkeys(each.contract for each in (*ENDPOINTS, *workspaces.ENDPOINTS)))
"""The contracts. Their fields are repeated in each operation, because the client may not set all of them."""

SET_BY_GATEWAY = frozenset({"own_digest", "new_digest"})
"""Fields that the gateway sets itself."""

ERROR = {
    "type": "object",
    "description": "GitLab's errors: who may do what in `message`, parameters and routes in `error`; "
    "MLflow's code where it has one.",
    "properties": {
        "message": {},
        "error": {"type": "string"},
        "error_description": {"type": "string"},
        "error_code": {"type": "string"},
        "scope": {"type": "string"},
    },
}

Schemas = Mapping[str, JsonSchemaValue]


def describe_rest(contracts: Schemas) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield the method, path and operation of each GitLab endpoint.

    The caller adds the error answers and the request id. ``contracts`` has the schemas of ``CONTRACTS``.
    """
    for endpoint in ENDPOINTS:
        yield endpoint.method, API + endpoint.path, _operation(endpoint, "gitlab", contracts)


def describe_workspaces(contracts: Schemas) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield the same as ``describe_rest`` for MLflow's workspaces, under the first prefix only."""
    for endpoint in workspaces.ENDPOINTS:
        path = workspaces.PREFIXES[0] + endpoint.path
        yield endpoint.method, path, _operation(endpoint, "workspaces", contracts)


def _operation(endpoint: RestEndpoint, tag: str, contracts: Schemas) -> dict[str, Any]:
    schema = contracts[endpoint.contract.__name__]
    in_path = variables(endpoint.path)
    asked = _without(schema, {*in_path, *endpoint.fixed, *SET_BY_GATEWAY})
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": schema["properties"][name]}
        for name in in_path
    ]
    operation: dict[str, Any] = {
        "operationId": _id(endpoint),
        "summary": (endpoint.contract.__doc__ or "").partition("\n")[0],
        "tags": [tag],
        "parameters": parameters,
        "responses": {str(endpoint.status): _answer(endpoint)},
    }
    if endpoint.method in ("GET", "DELETE"):
        parameters.extend(query_parameters(asked))
    elif asked["properties"]:
        required = bool(asked["required"])
        operation["requestBody"] = {"required": required, "content": json_content(asked)}
    return operation


def _id(endpoint: RestEndpoint) -> str:
    """Return a unique operation id. It contains the path, because a contract may have several endpoints."""
    words = endpoint.path.replace("{", "/").replace("}", "/").split("/")
    place = "".join(part.title() for word in words for part in word.split("_"))
    return f"{endpoint.contract.__name__}At{place}"


def _without(schema: JsonSchemaValue, names: set[str]) -> JsonSchemaValue:
    return {
        "type": "object",
        "properties": {
            name: field for name, field in schema["properties"].items() if name not in names
        },
        "required": [name for name in schema.get("required", []) if name not in names],
    }


def _answer(endpoint: RestEndpoint) -> dict[str, Any]:
    if endpoint.status == HTTPStatus.NO_CONTENT:
        return {"description": "Done."}
    reply = REPLIES.get(endpoint.contract)
    if reply is None:
        return {"description": "Done.", "content": json_content({"type": "boolean"})}
    schema: JsonSchemaValue = {"$ref": REF.format(model=reply.__name__)}
    if endpoint.makes:
        token = {"type": "object", "properties": {"token": {"type": "string"}}}
        schema = {"allOf": [schema, token]}
    if issubclass(endpoint.contract, Paged):
        schema = {"type": "array", "items": schema}
    return {"description": "Done.", "content": json_content(schema)}
