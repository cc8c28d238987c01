"""The JSON schemas of contracts and replies, as OpenAPI has them."""

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
    """Adds to the schemas of requests what proto-JSON allows besides plain JSON types."""

    def int_schema(self, schema: core_schema.IntSchema) -> JsonSchemaValue:
        """Let integers be written as strings, as clients send int64."""
        plain = super().int_schema(schema)
        return {"anyOf": [plain, DECIMAL]} if self.mode == "validation" else plain

    def float_schema(self, schema: core_schema.FloatSchema) -> JsonSchemaValue:
        """Name the doubles that JSON has no numbers for."""
        return {"anyOf": [super().float_schema(schema), NOT_FINITE]}


def schemas_of(
    contracts: Iterable[type[BaseModel]], replies: Iterable[type[BaseModel]]
) -> dict[str, JsonSchemaValue]:
    """Describe contracts as they are read and replies as they are written, by name."""
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
                # A field whose name is taken in Python (``schema_``) ends with an underscore.
                name.rstrip("_"): field
                for name, field in schema["properties"].items()
            }
    return schemas


def query_parameters(schema: JsonSchemaValue) -> Iterator[dict[str, Any]]:
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


def content_of(model: type[BaseModel]) -> dict[str, Any]:
    """Return a content object that refers to a model's schema."""
    return json_content({"$ref": REF.format(model=model.__name__)})


def json_content(schema: JsonSchemaValue) -> dict[str, Any]:
    """Return the content object of JSON."""
    return {"application/json": {"schema": schema}}
