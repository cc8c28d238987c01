"""Prepared queries: the texts of clients, parsed, checked and compiled. Those used last are kept."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLObjectType,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    OverlappingFieldsCanBeMergedRule,
    VariableDefinitionNode,
    parse,
    specified_rules,
    validate,
)
from graphql.execution.values import get_argument_values, get_variable_values

from services.gateway.graphql.limits import (
    MAX_CHARACTERS,
    MAX_TOKENS,
    Fragments,
    check_query,
    check_variables,
    fragments_of,
)
from services.gateway.graphql.projection import (
    TYPENAME,
    Projection,
    compile_projection,
    merge_fields,
    selections_of,
)
from services.gateway.graphql.schema import SCHEMA

RULES = (
    *(each for each in specified_rules if each is not OverlappingFieldsCanBeMergedRule),
    # An introspection query of a hundred words can ask for thousands of values.
    NoSchemaIntrospectionCustomRule,
)

KEPT_CHARACTERS = 5_000
KEPT_QUERIES = 50
"""Together with KEPT_CHARACTERS: all kept queries take some 20 MB at most. MLflow's UI sends a handful."""


LONGEST_MESSAGE = 1_000
"""Characters. Some of graphql-core's messages repeat a part of the query, whatever its length."""


class QueryRefusedError(Exception):
    """A query that is not executed. ``messages`` say why."""

    def __init__(self, messages: Sequence[str]) -> None:
        self.messages = [
            each if len(each) <= LONGEST_MESSAGE else f"{each[:LONGEST_MESSAGE]}…"
            for each in messages
        ]
        super().__init__("; ".join(self.messages))


@dataclass(frozen=True, slots=True)
class RootField:
    """A field of an operation. ``projection`` is None for ``__typename``, whose value is ``type_name``."""

    key: str
    name: str
    type_name: str
    node: FieldNode
    projection: Projection | None

    def input(self, variables: Any) -> Mapping[str, Any]:
        """Return the field's arguments; of an ``input`` its members. Raises GraphQLError."""
        operation = SCHEMA.type_map[self.type_name]
        field = cast("GraphQLObjectType", operation).fields[self.name]
        given = get_argument_values(field, self.node, variables)
        return {
            name: value
            for name, value in (given.get("input", given) or {}).items()
            if value is not None
        }


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a query: its name, its variables and its fields."""

    name: str
    variables: Sequence[VariableDefinitionNode]
    fields: Sequence[RootField]

    def coerce(self, variables: Mapping[str, Any]) -> Any:
        """Return the variables with the types that the operation declares. Raises QueryRefusedError."""
        coerced = get_variable_values(SCHEMA, self.variables, dict(variables), max_errors=10)
        if isinstance(coerced, list):
            raise QueryRefusedError([each.message for each in coerced])
        return coerced


@dataclass(frozen=True, slots=True)
class PreparedQuery:
    """A valid query, which may have several operations."""

    operations: Sequence[Operation]

    def operation(self, name: str | None) -> Operation:
        """Return the operation of a name; without one the only operation. Raises QueryRefusedError."""
        if name is None:
            if len(self.operations) == 1:
                return self.operations[0]
            message = "Must provide operation name if query contains multiple operations."
            raise QueryRefusedError([message])
        for each in self.operations:
            if each.name == name:
                return each
        raise QueryRefusedError([f"Unknown operation named '{name}'."])


class PreparedQueries:
    """Prepares queries, one at a time, and keeps those used last.

    Parsing and validation take some milliseconds of pure Python. They run in a thread, so that the event loop goes on.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[str, PreparedQuery] = OrderedDict()
        self._one = asyncio.Semaphore(1)

    async def get(self, text: str) -> PreparedQuery:
        """Return the query of a text. Raises QueryRefusedError."""
        if found := self._kept.get(text):
            self._kept.move_to_end(text)
            return found
        async with self._one:
            query = await asyncio.to_thread(prepare, text)
        if len(text) <= KEPT_CHARACTERS:
            self._kept[text] = query
            if len(self._kept) > KEPT_QUERIES:
                self._kept.popitem(last=False)
        return query


def prepare(text: str) -> PreparedQuery:
    """Parse, check and compile a query. Raises QueryRefusedError."""
    if len(text) > MAX_CHARACTERS:
        message = f"A query can have at most {MAX_CHARACTERS} characters, got {len(text)}."
        raise QueryRefusedError([message])
    try:
        parsed = parse(text, no_location=True, max_tokens=MAX_TOKENS)
        check_query(parsed)
        if errors := validate(SCHEMA, parsed, RULES, max_errors=10):
            raise QueryRefusedError([each.message for each in errors])
        fragments = fragments_of(parsed)
        return PreparedQuery(
            [
                _operation(each, fragments)
                for each in parsed.definitions
                if isinstance(each, OperationDefinitionNode)
            ]
        )
    except GraphQLError as error:
        raise QueryRefusedError([error.message]) from None
    except RecursionError:
        raise QueryRefusedError(["The query's fragments are nested too deeply."]) from None


def check_size(variables: Mapping[str, Any]) -> None:
    """Raise QueryRefusedError if there are too many values in the variables."""
    try:
        check_variables(variables)
    except GraphQLError as error:
        raise QueryRefusedError([error.message]) from None


def _operation(node: OperationDefinitionNode, fragments: Fragments) -> Operation:
    root = SCHEMA.get_root_type(node.operation)
    if root is None:
        raise GraphQLError(f"Schema is not configured to execute {node.operation.value} operation.")
    fields = [
        _root_field(root, key, nodes, fragments)
        for key, nodes in merge_fields(node.selection_set.selections, fragments).items()
    ]
    return Operation(node.name.value if node.name else "", node.variable_definitions or (), fields)


def _root_field(
    root: GraphQLObjectType, key: str, nodes: Sequence[FieldNode], fragments: Fragments
) -> RootField:
    name = nodes[0].name.value
    projection = None
    if name != TYPENAME:
        of_type = cast("GraphQLObjectType", root.fields[name].type)
        projection = compile_projection(of_type, selections_of(nodes), fragments)
    return RootField(key, name, root.name, nodes[0], projection)
