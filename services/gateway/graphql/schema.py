"""The schema, read from ``schema.graphql``, and its scalar for 64-bit integers."""

import re
from importlib.resources import files
from typing import Any, Final, cast

from graphql import GraphQLError, GraphQLScalarType, GraphQLSchema, build_schema

from shared.contracts.message import INT64_MAX

LONG: Final = "LongString"
_DIGITS = re.compile(r"-?[0-9]{1,19}")


def parse_long(value: Any) -> int:
    """Return the int64 of a variable, which is a number or its digits as text. Raises GraphQLError."""
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif isinstance(value, str) and _DIGITS.fullmatch(value):
        number = int(value)
    else:
        raise GraphQLError(
            f"{LONG} cannot represent this value: it must be an integer, as a number or as its digits."
        )
    if not -INT64_MAX - 1 <= number <= INT64_MAX:
        raise GraphQLError(f"{LONG} cannot represent an integer of more than 64 bits.")
    return number


def _load() -> GraphQLSchema:
    schema = build_schema((files(__package__) / "schema.graphql").read_text())
    long = cast("GraphQLScalarType", schema.type_map[LONG])
    # The one is read for literals, the other for variables.
    long.parse_value = long.coerce_input_value = parse_long  # type: ignore[method-assign]
    # MLflow's schema has no @skip and @include. Without them the shape of an answer is known before its request.
    own = [each for each in schema.directives if each.name == "component"]
    return GraphQLSchema(schema.query_type, schema.mutation_type, directives=own)


SCHEMA: Final = _load()
