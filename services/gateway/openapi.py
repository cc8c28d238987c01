"""The OpenAPI 3.1 description, made from the route table and the contracts."""

from collections.abc import Iterable
from typing import Any

from pydantic.json_schema import (
    GenerateJsonSchema,
    JsonSchemaMode,
    JsonSchemaValue,
    models_json_schema,
)
from pydantic_core import core_schema

from services.gateway.artifacts.description import describe_streams
from services.gateway.routes import ENDPOINTS, PREFIXES, PROXY_PREFIXES, Endpoint
from services.gateway.routing import plain, variables
from shared.contracts.message import Message, Wire

REF = "#/components/schemas/{model}"
DECIMAL = {"type": "string", "pattern": "^-?[0-9]{1,19}$"}
NOT_FINITE = {"type": "string", "enum": ["NaN", "Infinity", "-Infinity"]}

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
    "one of ours unless it is 1 to 255 visible ASCII characters.",
    "schema": {"type": "string"},
}
REQUEST_ID_PARAMETER = {"$ref": "#/components/parameters/RequestId"}
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Two requests with the same key have the effect and the answer of one.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
}


class _ProtoJson(GenerateJsonSchema):
    """Adds to the schemas of requests what proto-JSON allows besides plain JSON types."""

    def int_schema(self, schema: core_schema.IntSchema) -> JsonSchemaValue:
        """Let integers be written as strings, as clients send int64."""
        plain = super().int_schema(schema)
        return {"anyOf": [plain, DECIMAL]} if self.mode == "validation" else plain

    def float_schema(self, schema: core_schema.FloatSchema) -> JsonSchemaValue:
        """Name the doubles that JSON has no numbers for."""
        return {"anyOf": [super().float_schema(schema), NOT_FINITE]}


def describe() -> dict[str, Any]:
    """Return the document; it describes each path under the first of its prefixes."""
    schemas = _schemas()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Warren",
            "version": "2.0",
            "description": "MLflow's REST API. Each path under "
            f"{PREFIXES[0]} is also served under {', '.join(PREFIXES[1:])}; each under "
            f"{PROXY_PREFIXES[0]} also under {', '.join(PROXY_PREFIXES[1:])}.",
        },
        "paths": _paths(schemas),
        "components": {
            "schemas": schemas | {"Error": ERROR},
            "parameters": {"RequestId": REQUEST_ID, "IdempotencyKey": IDEMPOTENCY_KEY},
        },
    }


def _paths(schemas: dict[str, JsonSchemaValue]) -> dict[str, Any]:
    """Describe each operation under the first of its prefixes."""
    paths: dict[str, Any] = {}
    for endpoint in ENDPOINTS:
        path = plain(endpoint.prefixes[0] + endpoint.path)
        for method in endpoint.methods.split():
            operation = _operation(endpoint, method, schemas)
            paths.setdefault(path, {})[method.lower()] = operation
    for method, path, operation in describe_streams():
        paths.setdefault(path, {})[method.lower()] = operation | {
            "parameters": [REQUEST_ID_PARAMETER, *operation["parameters"]],
            "responses": operation["responses"] | _refusals(),
        }
    return paths


def _schemas() -> dict[str, JsonSchemaValue]:
    """Describe each contract as it is read and each reply as it is written."""
    contracts = dict.fromkeys(endpoint.contract for endpoint in ENDPOINTS)
    replies = dict.fromkeys(endpoint.reply for endpoint in ENDPOINTS)
    models: list[tuple[type[Wire], JsonSchemaMode]] = [
        *((contract, "validation") for contract in contracts),
        *((reply, "serialization") for reply in replies),
    ]
    _, described = models_json_schema(
        models, by_alias=False, ref_template=REF, schema_generator=_ProtoJson
    )
    schemas: dict[str, JsonSchemaValue] = described["$defs"]
    for schema in schemas.values():
        if "properties" in schema:
            schema["properties"] = {
                # A field whose name is taken in Python (``schema_``) ends with an underscore.
                name.rstrip("_"): field
                for name, field in schema["properties"].items()
            }
    return schemas


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
    if contract.kind == "commands":
        parameters.append({"$ref": "#/components/parameters/IdempotencyKey"})
    schema = schemas[contract.__name__]
    in_path = variables(endpoint.path)
    parameters.extend(
        {"name": name, "in": "path", "required": True, "schema": schema["properties"][name]}
        for name in in_path
    )
    if method == "GET":
        parameters.extend(each for each in _query_parameters(schema) if each["name"] not in in_path)
    else:
        operation["requestBody"] = {
            "required": bool(set(schema.get("required", [])).difference(in_path)),
            "content": _json(contract),
        }
    return operation


def _query_parameters(schema: JsonSchemaValue) -> Iterable[dict[str, Any]]:
    """Make a parameter of each field; lists repeat the name."""
    required = schema.get("required", [])
    for name, field in schema["properties"].items():
        yield {
            "name": name,
            "in": "query",
            "required": name in required,
            "schema": _without_null(field),
        }


def _without_null(field: JsonSchemaValue) -> JsonSchemaValue:
    """Drop the null that a JSON body may hold and a query string can't."""
    plain: JsonSchemaValue = {
        key: value for key, value in field.items() if key not in ("anyOf", "default")
    }
    members = [one for one in field.get("anyOf", []) if one.get("type") != "null"]
    if len(members) == 1:
        plain.update(members[0])
    elif members:
        plain["anyOf"] = members
    return plain


def _responses(reply: type[Wire]) -> dict[str, Any]:
    return {"200": {"description": "Done.", "content": _json(reply)}, **_refusals()}


def _refusals() -> dict[str, Any]:
    error = {"application/json": {"schema": {"$ref": REF.format(model="Error")}}}
    return {
        status: {"description": description, "content": error}
        for status, description in REFUSALS.items()
    }


def _json(model: type[Message | Wire]) -> dict[str, Any]:
    """Return a content object that refers to a model's schema."""
    return {"application/json": {"schema": {"$ref": REF.format(model=model.__name__)}}}
