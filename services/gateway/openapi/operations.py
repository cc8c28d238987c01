"""OpenAPI's operations of the endpoints in the tables."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic.json_schema import JsonSchemaValue

from services.gateway.gitlab import endpoints as gitlab
from services.gateway.gitlab import workspaces
from services.gateway.http.endpoint import Endpoint
from services.gateway.http.routing import plain, variables
from services.gateway.mlflow import endpoints as mlflow
from services.gateway.openapi.schemas import REF, content_of, json_content, query_parameters
from services.gateway.openapi.security import NOTHING, SESSION_TOO, TOKEN
from shared.contracts.accounts import Paged
from shared.contracts.message import Command

PROJECT_ENDPOINTS = mlflow.ENDPOINTS
USER_ENDPOINTS = (*gitlab.ENDPOINTS, *workspaces.ENDPOINTS)
"""The endpoints that belong to no project. Their operations contain the fields of their contracts: the client may not
set all of them, and a contract may have several endpoints."""

ENDPOINTS = (*PROJECT_ENDPOINTS, *USER_ENDPOINTS)

SET_BY_GATEWAY = frozenset({"own_digest", "new_digest"})

Schemas = Mapping[str, JsonSchemaValue]
Operation = tuple[str, str, dict[str, Any]]
"""A method, a path in OpenAPI's form, and the operation without error answers and request id."""


def describe_endpoints(schemas: Schemas) -> Iterator[tuple[str, Operation]]:
    """Yield the name of the error's schema and the operation, for each endpoint under the first of its prefixes.

    ``schemas`` has the schema of each contract by name.
    """
    for endpoint in ENDPOINTS:
        error = "GitLabError" if endpoint in gitlab.ENDPOINTS else "Error"
        path = plain(endpoint.prefixes[0] + endpoint.path)
        for method in endpoint.methods.split():
            schema = schemas[endpoint.contract.__name__]
            yield error, (method, path, _operation(endpoint, method, schema))


def _operation(endpoint: Endpoint, method: str, schema: JsonSchemaValue) -> dict[str, Any]:
    contract = endpoint.contract
    in_path = variables(endpoint.path)
    asked = _without(schema, {*in_path, *endpoint.implied_fields, *SET_BY_GATEWAY})
    of_project = endpoint in PROJECT_ENDPOINTS
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": schema["properties"][name]}
        for name in in_path
    ]
    operation: dict[str, Any] = {
        "operationId": _id(endpoint, method),
        "summary": (contract.__doc__ or "").partition("\n")[0],
        "tags": ["gitlab" if endpoint in gitlab.ENDPOINTS else endpoint.path.partition("/")[0]],
        "parameters": parameters,
        "responses": {str(endpoint.status): _answer(endpoint)},
    }
    if not of_project:
        shown = TOKEN if endpoint in gitlab.ENDPOINTS else SESSION_TOO
        operation["security"] = shown if endpoint.anonymous == "never" else (*shown, NOTHING)
    if of_project and issubclass(contract, Command):
        parameters.insert(0, {"$ref": "#/components/parameters/IdempotencyKey"})
    if method == "GET" or (method == "DELETE" and not of_project):
        parameters.extend(query_parameters(asked))
    elif of_project or asked["properties"]:
        content = content_of(contract) if of_project else json_content(asked)
        operation["requestBody"] = {"required": bool(asked["required"]), "content": content}
    return operation


def _id(endpoint: Endpoint, method: str) -> str:
    """Return a unique operation id. It contains the path if the contract may have several endpoints."""
    name = endpoint.contract.__name__
    if endpoint in PROJECT_ENDPOINTS:
        return name + ("ByQuery" if method == "GET" else "")
    words = endpoint.path.replace("{", "/").replace("}", "/").split("/")
    return f"{name}At{''.join(part.title() for word in words for part in word.split('_'))}"


def _without(schema: JsonSchemaValue, names: set[str]) -> JsonSchemaValue:
    return {
        "type": "object",
        "properties": {
            name: field for name, field in schema["properties"].items() if name not in names
        },
        "required": [name for name in schema.get("required", []) if name not in names],
    }


def _answer(endpoint: Endpoint) -> dict[str, Any]:
    """Return the description of a successful answer."""
    if endpoint.reply is None:
        return {"description": "Done."}
    if endpoint.reply is bool:
        return {"description": "Done.", "content": json_content({"type": "boolean"})}
    schema: JsonSchemaValue = {"$ref": REF.format(model=endpoint.reply.__name__)}
    if endpoint.issues:
        token = {"type": "object", "properties": {"token": {"type": "string"}}}
        schema = {"allOf": [schema, token]}
    if issubclass(endpoint.contract, Paged):
        schema = {"type": "array", "items": schema}
    return {"description": "Done.", "content": json_content(schema)}
