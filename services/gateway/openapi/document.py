"""The OpenAPI 3.1 document, generated from the endpoints and the contracts."""

from typing import Any

from pydantic.json_schema import JsonSchemaValue

from services.gateway.auth.workspaces import WORKSPACE
from services.gateway.http.routing import plain, variables
from services.gateway.mlflow.endpoints import ENDPOINTS, PREFIXES, PROXY_PREFIXES, Endpoint
from services.gateway.openapi import gitlab as rest
from services.gateway.openapi.artifacts import describe_packages, describe_streams
from services.gateway.openapi.schemas import (
    REF,
    content_of,
    json_content,
    query_parameters,
    schemas_of,
)
from shared.contracts.message import Command, Wire

ERROR = {
    "type": "object",
    "properties": {
        "error_code": {"type": "string"},
        "message": {"type": "string"},
    },
    "required": ["error_code", "message"],
}

REFUSALS = {
    "400": "A parameter is missing, malformed or not allowed.",
    "404": "There is no such resource.",
    "429": "Nothing was done, or no more than the message tells: send it again after Retry-After.",
    "503": "The outcome is unknown: reads and idempotent writes may be sent again.",
    "default": "Any other error.",
}

REQUEST_ID = {
    "name": "X-Request-Id",
    "in": "header",
    "description": "Comes back in the answer and goes along to the services' logs; replaced by "
    "a new id unless it is 1 to 255 visible ASCII characters.",
    "schema": {"type": "string"},
}
REQUEST_ID_PARAMETER = {"$ref": "#/components/parameters/RequestId"}
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Two requests with the same key have the effect and the answer of one.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
}


def describe() -> dict[str, Any]:
    """Return the OpenAPI document."""
    schemas = schemas_of(
        (*(each.contract for each in ENDPOINTS), *rest.CONTRACTS),
        (*(each.reply for each in ENDPOINTS), *rest.REPLIES.values()),
    )
    # GitLab's operations contain the fields of their contracts, so these are no components of the document.
    contracts = {each.__name__: schemas.pop(each.__name__) for each in rest.CONTRACTS}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Warren",
            "version": "2.0",
            "description": "MLflow's REST API. Each path under "
            f"{PREFIXES[0]} is also served under {', '.join(PREFIXES[1:])}; each under "
            f"{PROXY_PREFIXES[0]} also under {', '.join(PROXY_PREFIXES[1:])}. All of it is served once "
            f"more behind each project's /api/v4/projects/{{id}}/ml/mlflow, with GitLab's errors; at the "
            f"root the header {WORKSPACE} names the project. And GitLab's REST API about projects, "
            "members and tokens.",
        },
        "paths": _paths(schemas, contracts),
        "components": {
            "schemas": schemas | {"Error": ERROR, "GitLabError": rest.ERROR},
            "parameters": {"RequestId": REQUEST_ID, "IdempotencyKey": IDEMPOTENCY_KEY},
        },
    }


def _paths(
    schemas: dict[str, JsonSchemaValue], contracts: dict[str, JsonSchemaValue]
) -> dict[str, Any]:
    """Return the operations by path and method. Each endpoint appears under the first of its prefixes only."""
    paths: dict[str, Any] = {}
    for endpoint in ENDPOINTS:
        path = plain(endpoint.prefixes[0] + endpoint.path)
        for method in endpoint.methods.split():
            operation = _operation(endpoint, method, schemas)
            paths.setdefault(path, {})[method.lower()] = operation
    for error, described in (
        ("Error", (*describe_streams(), *rest.describe_workspaces(contracts))),
        ("GitLabError", (*describe_packages(), *rest.describe_rest(contracts))),
    ):
        for method, path, operation in described:
            paths.setdefault(path, {})[method.lower()] = operation | {
                "parameters": [REQUEST_ID_PARAMETER, *operation["parameters"]],
                "responses": operation["responses"] | _refusals(error),
            }
    return paths


def _operation(
    endpoint: Endpoint, method: str, schemas: dict[str, JsonSchemaValue]
) -> dict[str, Any]:
    contract = endpoint.contract
    parameters: list[dict[str, Any]] = [REQUEST_ID_PARAMETER]
    operation: dict[str, Any] = {
        "operationId": contract.__name__ + ("ByQuery" if method == "GET" else ""),
        "summary": (contract.__doc__ or "").partition("\n")[0],
        "tags": [endpoint.path.partition("/")[0]],
        "parameters": parameters,
        "responses": _responses(endpoint.reply),
    }
    if issubclass(contract, Command):
        parameters.append({"$ref": "#/components/parameters/IdempotencyKey"})
    schema = schemas[contract.__name__]
    in_path = variables(endpoint.path)
    parameters.extend(
        {"name": name, "in": "path", "required": True, "schema": schema["properties"][name]}
        for name in in_path
    )
    if method == "GET":
        parameters.extend(each for each in query_parameters(schema) if each["name"] not in in_path)
    else:
        operation["requestBody"] = {
            "required": bool(set(schema.get("required", [])).difference(in_path)),
            "content": content_of(contract),
        }
    return operation


def _responses(reply: type[Wire]) -> dict[str, Any]:
    return {"200": {"description": "Done.", "content": content_of(reply)}, **_refusals("Error")}


def _refusals(model: str) -> dict[str, Any]:
    error = json_content({"$ref": REF.format(model=model)})
    return {
        status: {"description": description, "content": error}
        for status, description in REFUSALS.items()
    }
