"""The OpenAPI 3.1 document, generated from the endpoints and the contracts."""

from itertools import chain
from typing import Any

from services.gateway.auth.workspaces import WORKSPACE
from services.gateway.mlflow.endpoints import PREFIXES, PROXY_PREFIXES
from services.gateway.openapi.artifacts import describe_packages, describe_streams
from services.gateway.openapi.operations import (
    ENDPOINTS,
    USER_ENDPOINTS,
    Schemas,
    describe_endpoints,
)
from services.gateway.openapi.otlp import describe_otlp
from services.gateway.openapi.schemas import REF, json_content, schemas_of
from services.gateway.openapi.security import OF_PROJECTS, SCHEMES
from shared.contracts.message import Wire

ERROR = {
    "type": "object",
    "properties": {
        "error_code": {"type": "string"},
        "message": {"type": "string"},
    },
    "required": ["error_code", "message"],
}

GITLAB_ERROR = {
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
        (each.contract for each in ENDPOINTS),
        (
            each.reply
            for each in ENDPOINTS
            if each.reply is not None and issubclass(each.reply, Wire)
        ),
    )
    paths = _paths(schemas)
    for endpoint in USER_ENDPOINTS:
        schemas.pop(endpoint.contract.__name__, None)
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
            "members and tokens. GraphQL at /graphql has a schema of its own and is not described here.",
        },
        "paths": paths,
        "security": OF_PROJECTS,
        "components": {
            "securitySchemes": SCHEMES,
            "schemas": schemas | {"Error": ERROR, "GitLabError": GITLAB_ERROR},
            "parameters": {"RequestId": REQUEST_ID, "IdempotencyKey": IDEMPOTENCY_KEY},
        },
    }


def _paths(schemas: Schemas) -> dict[str, Any]:
    """Return the operations by path and method."""
    described = (
        *describe_endpoints(schemas),
        *(("Error", each) for each in chain(describe_streams(), describe_otlp())),
        *(("GitLabError", each) for each in describe_packages()),
    )
    paths: dict[str, Any] = {}
    for error, (method, path, operation) in described:
        paths.setdefault(path, {})[method.lower()] = operation | {
            "parameters": [REQUEST_ID_PARAMETER, *operation["parameters"]],
            "responses": operation["responses"] | _refusals(error),
        }
    return paths


def _refusals(model: str) -> dict[str, Any]:
    error = json_content({"$ref": REF.format(model=model)})
    return {
        status: {"description": description, "content": error}
        for status, description in REFUSALS.items()
    }
