"""The meaning of filters and order_by clauses, independent of their spelling."""

from dataclasses import dataclass
from enum import StrEnum


class Entity(StrEnum):
    """The kind of a compared key; the values are the names in MLflow's messages."""

    METRIC = "metric"
    PARAM = "parameter"
    TAG = "tag"
    ATTRIBUTE = "attribute"
    DATASET = "dataset"
    METADATA = "request_metadata"
    SPAN = "span"
    FEEDBACK = "feedback"
    EXPECTATION = "expectation"
    ISSUE = "issue"


class Comparator(StrEnum):
    """The comparators of the language, in canonical spelling."""

    EQ = "="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="
    LIKE = "LIKE"
    ILIKE = "ILIKE"
    RLIKE = "RLIKE"
    IN = "IN"
    NOT_IN = "NOT IN"
    IS_NULL = "IS NULL"
    IS_NOT_NULL = "IS NOT NULL"


Value = str | int | float | tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """One clause of a filter; all clauses of a filter must hold.

    `key` is canonical (`Created` has become `start_time`). `value` is a float for metrics, an
    int or float for numeric attributes, a tuple for IN lists, None for IS [NOT] NULL, and
    otherwise a string.
    """

    entity: Entity
    key: str
    comparator: Comparator
    value: Value


@dataclass(frozen=True, slots=True)
class OrderBy:
    """One clause of an order_by."""

    entity: Entity
    key: str
    ascending: bool
