"""Limits of a GraphQL request: MLflow's own, and those that bound the time of parsing.

Source of MLflow's: ``mlflow/server/graphql/graphql_no_batching.py``, with the defaults of its settings.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
)

MAX_DEPTH = 10
MAX_SELECTIONS = 1_000
MAX_ROOT_FIELDS = 10
MAX_ALIASES = 10
"""Aliases of one level. Aliases let a short query ask for the same field many times."""

MAX_CHARACTERS = 100_000
"""Of a query. A long filter or list belongs in a variable."""

MAX_TOKENS = 5_000
"""Names, values and signs of a query: enough for the most selections, each with an alias and arguments."""

MAX_STEPS = 10_000
"""Fields and fragments, counted each time they are spread. Fragments that spread others make a short query long."""

MAX_VALUES = 10_000
"""Lists, objects and scalars in the variables. Their types are checked one by one."""

MAX_BODY = 1024**2
"""Bytes of a request: room for the longest query, however it is escaped, and for thousands of ids. JSON is read on the
event loop, a megabyte in 85 ms at worst. A thread would not help, because the parser holds the interpreter's lock."""

MAX_RECEIVED = 16 * 1024**2
"""Bytes of the services' replies to one request. REST passes replies on; GraphQL parses them, a megabyte in 15 ms."""

Fragments = Mapping[str, FragmentDefinitionNode]


def fragments_of(parsed: DocumentNode) -> Fragments:
    """Return the fragments of a parsed query by their names."""
    return {
        each.name.value: each
        for each in parsed.definitions
        if isinstance(each, FragmentDefinitionNode)
    }


def check_query(parsed: DocumentNode) -> None:
    """Raise GraphQLError if a parsed query exceeds a limit. It need not be valid: fragments may spread themselves."""
    scan = _Scan(fragments_of(parsed))
    for each in parsed.definitions:
        if isinstance(each, OperationDefinitionNode):
            scan.read(each)
    for what, count, limit in (
        ("root fields", scan.root_fields, MAX_ROOT_FIELDS),
        ("aliases", scan.most_aliases, MAX_ALIASES),
    ):
        if count > limit:
            raise GraphQLError(f"A GraphQL query can have at most {limit} {what}, got {count}.")


def check_variables(variables: Mapping[str, Any]) -> None:
    """Raise GraphQLError if there are too many values in the variables."""
    count, pending = 0, deque[Any]([variables])
    while pending:
        value = pending.pop()
        inner: Iterable[Any] = ()
        if isinstance(value, dict):
            count, inner = count + len(value), value.values()
        elif isinstance(value, list):
            count, inner = count + len(value), value
        if count > MAX_VALUES:
            raise GraphQLError(f"The variables of a query can hold at most {MAX_VALUES} values.")
        pending.extend(each for each in inner if isinstance(each, dict | list))


class _Scan:
    """Counts what the operations of one query select, level by level."""

    def __init__(self, fragments: Fragments) -> None:
        self.root_fields = 0
        self.most_aliases = 0
        self._fragments = fragments
        self._fields = 0
        self._steps = 0

    def read(self, operation: OperationDefinitionNode) -> None:
        """Count the selections of an operation. Raises GraphQLError."""
        self.root_fields += len(self._level(operation.selection_set.selections))
        pending = [(operation.selection_set.selections, 1)]
        while pending:
            selections, depth = pending.pop()
            if depth > MAX_DEPTH:
                raise GraphQLError(f"Query exceeds maximum depth of {MAX_DEPTH}")
            fields = self._level(selections)
            self._fields += len(fields)
            if self._fields > MAX_SELECTIONS:
                raise GraphQLError(f"Query exceeds maximum total selections of {MAX_SELECTIONS}")
            aliases = sum(1 for each in fields if each.alias)
            self.most_aliases = max(self.most_aliases, aliases)
            pending += [
                (each.selection_set.selections, depth + 1) for each in fields if each.selection_set
            ]

    def _level(self, selections: Sequence[SelectionNode]) -> list[FieldNode]:
        """Return the fields of one level, with those of the fragments that are spread in it, each fragment once."""
        fields: list[FieldNode] = []
        spread: set[str] = set()
        pending = deque(selections)
        while pending:
            selection = pending.popleft()
            self._steps += 1
            if self._steps > MAX_STEPS:
                raise GraphQLError(
                    f"Query has too many fragments: at most {MAX_STEPS} fields and fragments, counted where they are spread"
                )
            if isinstance(selection, FieldNode):
                fields.append(selection)
            elif isinstance(selection, InlineFragmentNode):
                pending.extend(selection.selection_set.selections)
            elif isinstance(selection, FragmentSpreadNode):
                name = selection.name.value
                if name not in spread and name in self._fragments:
                    spread.add(name)
                    pending.extend(self._fragments[name].selection_set.selections)
        return fields
