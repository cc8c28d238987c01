"""Projections: functions that pick what a query selects of a service's JSON, compiled once for each query.

graphql-core's own executor asks a resolver for every value and keeps its path, which takes some microseconds for
each. A chart has ten thousand values, and the event loop would serve no one else meanwhile. The answers are plain
JSON, so a projection is nested loops (``docs/adr/0068-graphql-picks-fields-of-json.md``).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLList,
    GraphQLObjectType,
    GraphQLOutputType,
    InlineFragmentNode,
    SelectionNode,
    get_named_type,
    get_nullable_type,
    is_object_type,
)
from pydantic.alias_generators import to_snake

from services.gateway.graphql.limits import Fragments

API_ERROR = "apiError"
TYPENAME = "__typename"

Convert = Callable[[Any], Any]


def _float(value: Any) -> float | None:
    """Return a number. JSON's texts, such as ``"NaN"``, are null, as in MLflow."""
    if value is None:
        return 0.0
    return None if isinstance(value, str) else float(value)


# A field that the service leaves out has protobuf's default, as in MLflow; an enum has none.
_SCALARS: Mapping[str, Convert] = {
    "String": lambda value: "" if value is None else value,
    "LongString": lambda value: "0" if value is None else str(value),
    "Boolean": bool,
    "Float": _float,
}


def _unchanged(value: Any) -> Any:
    return value


@dataclass(frozen=True, slots=True)
class ProjectedField:
    """One key of an answer. ``field`` is its name in the schema, ``source`` its name in the service's JSON."""

    key: str
    field: str
    source: str
    convert: Convert
    inner: "Projection | None" = None


@dataclass(frozen=True, slots=True)
class Projection:
    """The selected members of an object, in the order of the query."""

    type_name: str
    members: Sequence[ProjectedField]

    def __call__(self, value: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is selected of a service's JSON object."""
        return {each.key: each.convert(value.get(each.source)) for each in self.members}

    def selects(self, *path: str) -> bool:
        """Return whether the value at a path of the schema's names is selected."""
        first, *rest = path
        return any(
            not rest or (each.inner is not None and each.inner.selects(*rest))
            for each in self.members
            if each.field == first
        )

    def of_error(self, error: Mapping[str, str]) -> dict[str, Any] | None:
        """Return the object with the error in ``apiError`` and nothing else; None if that is not selected."""
        if not self.selects(API_ERROR):
            return None
        return {
            each.key: each.convert(error) if each.field in (API_ERROR, TYPENAME) else None
            for each in self.members
        }


def compile_projection(
    of_type: GraphQLObjectType, selections: Sequence[SelectionNode], fragments: Fragments
) -> Projection:
    """Return the projection of valid selections. Raises GraphQLError if two of them have one key."""
    members = [
        _member(of_type, key, nodes, fragments)
        for key, nodes in merge_fields(selections, fragments).items()
    ]
    return Projection(of_type.name, members)


def merge_fields(
    selections: Sequence[SelectionNode], fragments: Fragments
) -> dict[str, list[FieldNode]]:
    """Return the fields of one level by their key in the answer. Raises GraphQLError for a conflict.

    No type of the schema is abstract, so every fragment is about the type that it is spread in. This takes the
    place of graphql-core's rule OverlappingFieldsCanBeMerged, whose time grows with the square of a level's fields.
    """
    fields: dict[str, list[FieldNode]] = {}
    for node in _flat(selections, fragments, set()):
        key = node.alias.value if node.alias else node.name.value
        same = fields.setdefault(key, [])
        if same:
            _check_conflict(key, same[0], node)
        same.append(node)
    return fields


def selections_of(nodes: Sequence[FieldNode]) -> list[SelectionNode]:
    """Return what is selected of the values of fields that share a key."""
    return [each for node in nodes if node.selection_set for each in node.selection_set.selections]


def _check_conflict(key: str, one: FieldNode, other: FieldNode) -> None:
    names = one.name.value, other.name.value
    if names[0] != names[1]:
        reason = f"'{names[0]}' and '{names[1]}' are different fields"
    elif _arguments(one) != _arguments(other):
        reason = "they have different arguments"
    else:
        return
    raise GraphQLError(f"Fields '{key}' conflict because {reason}. Use different aliases for them.")


def _arguments(node: FieldNode) -> dict[str, Any]:
    return {each.name.value: each.value for each in node.arguments or ()}


def _flat(
    selections: Sequence[SelectionNode], fragments: Fragments, spread: set[str]
) -> list[FieldNode]:
    fields: list[FieldNode] = []
    for each in selections:
        if isinstance(each, FieldNode):
            fields.append(each)
        elif isinstance(each, InlineFragmentNode):
            fields += _flat(each.selection_set.selections, fragments, spread)
        elif isinstance(each, FragmentSpreadNode) and each.name.value not in spread:
            spread.add(each.name.value)
            inner = fragments[each.name.value].selection_set.selections
            fields += _flat(inner, fragments, spread)
    return fields


def _member(
    of_type: GraphQLObjectType, key: str, nodes: Sequence[FieldNode], fragments: Fragments
) -> ProjectedField:
    name = nodes[0].name.value
    if name == TYPENAME:
        return ProjectedField(key, name, "", _constant(of_type.name))
    return member_of(key, name, of_type.fields[name].type, nodes, fragments)


def member_of(
    key: str,
    name: str,
    of_type: GraphQLOutputType,
    nodes: Sequence[FieldNode],
    fragments: Fragments,
) -> ProjectedField:
    """Return the projection of a key's fields, whose selections are merged."""
    named = get_named_type(of_type)
    inner = None
    if is_object_type(named):
        inner = compile_projection(named, selections_of(nodes), fragments)
    convert: Convert = _object(name, inner) if inner else _SCALARS.get(named.name, _unchanged)
    if isinstance(get_nullable_type(of_type), GraphQLList):
        convert = _list(convert)
    return ProjectedField(key, name, to_snake(name), convert, inner)


def _constant(text: str) -> Convert:
    return lambda _value: text


def _object(name: str, inner: Projection) -> Convert:
    # A missing object has all its defaults, as in MLflow, but a missing error is none.
    missing: Mapping[str, Any] | None = None if name == API_ERROR else {}

    def convert(value: Any) -> Any:
        value = missing if value is None else value
        return None if value is None else inner(value)

    return convert


def _list(convert: Convert) -> Convert:
    return lambda values: [convert(each) for each in values or ()]
