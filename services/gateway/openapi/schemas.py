"""The JSON schemas of contracts and replies, for OpenAPI."""

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import (
    GenerateJsonSchema,
    JsonSchemaMode,
    JsonSchemaValue,
    models_json_schema,
)
from pydantic_core import core_schema

REF = "#/components/schemas/{model}"
DECIMAL = {"type": "string", "pattern": "^-?[0-9]{1,19}$"}
NOT_FINITE = {"type": "string", "enum": ["NaN", "Infinity", "-Infinity"]}


class _ProtoJson(GenerateJsonSchema):
    """Adds the forms that proto-JSON allows besides plain JSON types."""

    def int_schema(self, schema: core_schema.IntSchema) -> JsonSchemaValue:
        """Return a schema that also allows strings in requests, as clients send int64."""
        plain = super().int_schema(schema)
        return {"anyOf": [plain, DECIMAL]} if self.mode == "validation" else plain

    def float_schema(self, schema: core_schema.FloatSchema) -> JsonSchemaValue:
        """Return a schema that also allows NaN and the infinities, which proto-JSON writes as strings."""
        return {"anyOf": [super().float_schema(schema), NOT_FINITE]}


def schemas_of(
    contracts: Iterable[type[BaseModel]], replies: Iterable[type[BaseModel]]
) -> dict[str, JsonSchemaValue]:
    """Return the schemas by name: contracts in the form that is read, replies in the form that is written."""
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = [
        *((contract, "validation") for contract in dict.fromkeys(contracts)),
        *((reply, "serialization") for reply in dict.fromkeys(replies)),
    ]
    _, described = models_json_schema(
        models, by_alias=False, ref_template=REF, schema_generator=_ProtoJson
    )
    schemas: dict[str, JsonSchemaValue] = described["$defs"]
    for schema in schemas.values():
        if "properties" in schema:
            schema["properties"] = {
                # A field whose name is reserved in Python (``schema_``) ends with an underscore.
                name.rstrip("_"): field
                for name, field in schema["properties"].items()
            }
    return schemas


def query_parameters(schema: JsonSchemaValue) -> Iterator[dict[str, Any]]:
    """Yield a query parameter for each field. A list repeats its parameter."""
    required = schema.get("required", [])
    for name, field in schema["properties"].items():
        yield {
            "name": name,
            "in": "query",
            "required": name in required,
            "schema": _without_null(field),
        }


def _without_null(field: JsonSchemaValue) -> JsonSchemaValue:
    """Return a field's schema without null, which a query string can't express."""
    plain: JsonSchemaValue = {
        key: value for key, value in field.items() if key not in ("anyOf", "default")
    }
    members = [one for one in field.get("anyOf", []) if one.get("type") != "null"]
    if len(members) == 1:
        plain.update(members[0])
    elif members:
        plain["anyOf"] = members
    return plain


def content_of(model: type[BaseModel]) -> dict[str, Any]:
    """Return a content object that refers to a model's schema."""
    return json_content({"$ref": REF.format(model=model.__name__)})


def json_content(schema: JsonSchemaValue) -> dict[str, Any]:
    """Return a content object of JSON with a schema."""
    return {"application/json": {"schema": schema}}
