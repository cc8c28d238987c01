"""The filters of ``traces/metrics``: one comparison each, by ``=``.

Source: ``SearchTraceMetricsUtils`` in ``mlflow/utils/search_utils.py``.
"""

from dataclasses import dataclass
from typing import Final

from shared.contracts.errors import invalid
from shared.mlflow.search.clauses import read_clauses, require_identifier
from shared.mlflow.search.grammars import TRACES
from shared.mlflow.search.lexer import is_quoted, unquote

_NEEDS_KEY: Final = {
    "trace": {"status": False, "tag": True, "metadata": True},
    "span": {"name": False, "status": False, "type": False},
    "assessment": {"name": False, "type": False},
}
"""The entities of each view, and whether one needs a key."""


@dataclass(frozen=True, slots=True)
class MetricFilter:
    """``<view>.<entity>.<key> = '<value>'``; the key is empty where the entity has none."""

    view: str
    entity: str
    key: str
    value: str


def read_metric_filter(source: str) -> MetricFilter:
    """Return a filter. Raises DomainError(INVALID_PARAMETER_VALUE) in MLflow's words."""
    clauses = read_clauses(source, TRACES)
    if len(clauses) != 1:
        raise invalid(f"Invalid filter: '{source}'. Expected one filter clause.")
    (clause,) = clauses
    view, entity, key = _identifier(require_identifier(clause))
    if clause.operator != "=" or clause.right is None:
        raise invalid(f"Invalid comparator: '{clause.operator}', only '=' operator is supported")
    text = clause.right.text
    if clause.right.items is not None or not is_quoted(text):
        raise invalid(
            f"Expected a quoted string value for {entity} value (e.g. 'my-value'). Got value {text}"
        )
    return MetricFilter(view, entity, key, unquote(text))


def _identifier(text: str) -> tuple[str, str, str]:
    view, dot, rest = text.partition(".")
    entity, _, key = rest.partition(".")
    view = unquote(view, "`")
    if not dot:
        raise invalid(
            f"Invalid identifier {text!r}. Columns should be specified as "
            "'trace.<key>', 'span.<key>', 'assessment.<key>'."
        )
    if view not in _NEEDS_KEY:
        raise invalid(f"Invalid view type '{view}'. Valid values are {list(_NEEDS_KEY)}")
    if entity not in _NEEDS_KEY[view]:
        raise invalid(
            f"Invalid entity '{entity}' specified for view type '{view}'. "
            f"Valid entities are {list(_NEEDS_KEY[view])}"
        )
    if _NEEDS_KEY[view][entity] and not key:
        raise invalid(
            f"Filtering by {entity} requires a key, e.g. '{view}.{entity}.<key> = <value>'"
        )
    if key and not _NEEDS_KEY[view][entity]:
        raise invalid(
            f"Filtering by {entity} does not require a key, use '{view}.{entity}' instead"
        )
    return view, entity, unquote(key)
