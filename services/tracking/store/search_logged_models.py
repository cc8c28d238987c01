"""Searches logged models: composes one statement for a page of model ids.

The rules are those of ``search_logged_models`` in MLflow's SQL store. In a filter a metric means any
point ever logged for the model. In an order it means the latest point.
"""

from collections.abc import Sequence
from typing import Final, cast

from services.tracking.store.search import parse_experiment_id
from shared.contracts import limits
from shared.contracts.errors import invalid
from shared.contracts.logged_models import DatasetFilter, LoggedModelOrder, SearchLoggedModels
from shared.contracts.views import LoggedModelStatus
from shared.mlflow.search import keyset
from shared.mlflow.search.ast import Comparator, Comparison, Entity
from shared.mlflow.search.grammars import LOGGED_MODELS
from shared.mlflow.search.keyset import Term
from shared.mlflow.search.max_results import THRESHOLD, check_max_results
from shared.mlflow.search.page_token import Search
from shared.mlflow.search.parser import parse_filter
from shared.mlflow.search.sql import Bindings, compare_integer, compare_metric, compare_text, exists
from shared.mlflow.search.statement import Connection, Page, Statement, fetch_page

DEFAULT_RESULTS = 50
"""The default of MLflow's proto. 0 means the default of its store, which is 100."""

STORE_DEFAULT_RESULTS = 100

_COLUMNS: Final = {"artifact_location": "m.artifact_uri", "experiment_id": "m.experiment_id::text"}
_TABLES: Final = {Entity.PARAM: "logged_model_params", Entity.TAG: "logged_model_tags"}
_OF_MODEL: Final = "f.project_id = m.project_id AND f.model_id = m.model_id"
_VALUES: Final = (
    "SELECT f.value FROM logged_model_metrics f"
    " WHERE f.project_id = m.project_id AND f.model_id = m.model_id"
)


async def search_model_ids(
    connection: Connection, project: int, query: SearchLoggedModels
) -> Page[str]:
    """Return a page of model ids, by default newest first.

    Raises DomainError(INVALID_PARAMETER_VALUE) for every mistake of the client.
    """
    limit = _limit(query.max_results)
    comparisons = parse_filter(query.filter, LOGGED_MODELS)
    _check(query)
    experiments = [parse_experiment_id(value) for value in query.experiment_ids]
    statement = Statement("m.model_id", "logged_models m")
    bindings = statement.bindings
    statement.where(f"m.project_id = {bindings.add(project, 'bigint')}")
    statement.where(f"m.experiment_id = ANY({bindings.add(experiments, 'bigint[]')})")
    statement.where("NOT m.deleted")
    _filter(statement, comparisons, query.datasets)
    _order(statement, query.order_by)
    page = await fetch_page(connection, statement, _search(query), query.page_token, limit)
    return cast("Page[str]", page)


def _limit(max_results: int | None) -> int:
    """Return the size of a page. MLflow's server accepts any number; here a larger one becomes THRESHOLD."""
    if max_results == 0:
        return STORE_DEFAULT_RESULTS
    return check_max_results(max_results and min(max_results, THRESHOLD), DEFAULT_RESULTS)


def _check(query: SearchLoggedModels) -> None:
    if not all(dataset.dataset_name for dataset in query.datasets):
        raise invalid("`dataset_name` in the `datasets` clause must be specified.")
    for name in ("datasets", "order_by"):
        count = len(getattr(query, name))
        if count > limits.ORDERS:
            raise invalid(f"`{name}` can contain at most {limits.ORDERS} clauses. Got {count}.")


def _search(query: SearchLoggedModels) -> Search:
    """Return the search that its page tokens belong to."""
    orders = tuple(order.model_dump_json(exclude_none=True) for order in query.order_by)
    datasets = tuple(dataset.model_dump_json(exclude_none=True) for dataset in query.datasets)
    experiment_ids = tuple(query.experiment_ids)
    return Search("logged_models", query.filter or "", orders, experiment_ids, datasets)


def _filter(
    statement: Statement, comparisons: Sequence[Comparison], datasets: Sequence[DatasetFilter]
) -> None:
    """Add the conditions of a filter. If it names no metric, any metric on one of the datasets counts."""
    bindings = statement.bindings
    measured = [each for each in comparisons if each.entity is Entity.METRIC]
    for comparison in comparisons:
        if comparison.entity is Entity.METRIC:
            key = f"f.key = {bindings.add(comparison.key, 'text')}"
            value = compare_metric("f.value", comparison.comparator, comparison.value, bindings)
            statement.where(_measured(f"{key} AND {value}", datasets, bindings))
        elif comparison.entity is Entity.ATTRIBUTE:
            statement.where(_attribute(comparison, bindings))
        else:
            statement.where(_keyed(comparison, bindings))
    if datasets and not measured:
        statement.where(_measured("true", datasets, bindings))


def _measured(condition: str, datasets: Sequence[DatasetFilter], bindings: Bindings) -> str:
    """Return the condition that the model has a point that satisfies ``condition``.

    If there are datasets, the point must be measured on one of them.
    """
    if datasets:
        any_of = " OR ".join(_on(dataset, bindings) for dataset in datasets)
        condition = f"{condition} AND ({any_of})"
    return exists(f"logged_model_metrics f WHERE {_OF_MODEL} AND {condition}")


def _on(dataset: DatasetFilter, bindings: Bindings) -> str:
    """Return the condition that a point was measured on a dataset. An empty name or digest matches all.

    In MLflow's documentation an absent digest matches all, too; its REST handler does not do that.
    """
    parts = [
        f"f.{column} = {bindings.add(value, 'text')}"
        for column, value in (
            ("dataset_name", dataset.dataset_name),
            ("dataset_digest", dataset.dataset_digest),
        )
        if value
    ]
    return " AND ".join(parts) or "true"


def _attribute(comparison: Comparison, bindings: Bindings) -> str:
    key, comparator, value = comparison.key, comparison.comparator, comparison.value
    if key in LOGGED_MODELS.numeric:
        return compare_integer(f"m.{key}", comparator, value, bindings)
    if key == "status" and comparator not in (Comparator.LIKE, Comparator.ILIKE):
        value = tuple(map(_status, value)) if isinstance(value, tuple) else _status(str(value))
    return compare_text(_COLUMNS.get(key, f"m.{key}"), comparator, value, bindings)


def _status(text: str) -> str:
    """Return a status in its wire form. Clients may write it so, as a number, or short (``READY``).

    MLflow itself finds models by the number alone.
    """
    short = {"PENDING": 1, "READY": 2, "FAILED": 3}
    try:
        return LoggedModelStatus(str(short.get(text.upper(), text)))
    except ValueError:
        return text


def _keyed(comparison: Comparison, bindings: Bindings) -> str:
    """Compare a param or tag. A model without it satisfies no comparison."""
    key = bindings.add(comparison.key, "text")
    value = compare_text("f.value", comparison.comparator, comparison.value, bindings)
    table = _TABLES[comparison.entity]
    return exists(f"{table} f WHERE {_OF_MODEL} AND f.key = {key} AND {value}")


def _order(statement: Statement, orders: Sequence[LoggedModelOrder]) -> None:
    """Add the ordering terms: the requested ones, then newest first, then the model id."""
    fields = [_field(order.field_name) for order in orders]
    for index, (order, (entity, key)) in enumerate(zip(orders, fields, strict=True)):
        if entity is Entity.METRIC:
            statement.terms += _latest(statement, order, key, index)
        else:
            statement.terms += _column(key, ascending=order.ascending)
        # The model id is unique, so later terms have no effect.
        if (entity, key) == (Entity.ATTRIBUTE, "model_id"):
            return
    if (Entity.ATTRIBUTE, "creation_timestamp_ms") not in fields:
        statement.terms += _column("creation_timestamp_ms", ascending=False)
    statement.terms += _column("model_id", ascending=True)


def _field(name: str) -> tuple[Entity, str]:
    """Read a field to order by: an attribute without a prefix, or ``metrics.<key>``; the key is not unquoted."""
    prefix, dot, key = name.partition(".")
    if not dot and name in LOGGED_MODELS.orderable:
        return Entity.ATTRIBUTE, LOGGED_MODELS.aliases.get(name, name)
    if dot and prefix == "metrics":
        return Entity.METRIC, key
    template = LOGGED_MODELS.unsortable if dot else LOGGED_MODELS.unknown_order
    raise invalid(template.format(name=name))


def _latest(
    statement: Statement, order: LoggedModelOrder, key: str, index: int
) -> tuple[Term, ...]:
    """Order by the latest point of a metric, on a dataset if the order names one."""
    alias, bindings = f"o{index}", statement.bindings
    statement.source += (
        f"\nLEFT JOIN LATERAL ({_VALUES}"
        f" AND f.key = {bindings.add(key, 'text')} AND {_on(order, bindings)}"
        ' ORDER BY f."timestamp" DESC, f.step DESC, f.run_id, f.value DESC LIMIT 1'
        f") {alias} ON true"
    )
    return keyset.metric(f"{alias}.value", ascending=order.ascending)


def _column(key: str, *, ascending: bool) -> tuple[Term, ...]:
    if key in LOGGED_MODELS.numeric or key == "experiment_id":
        return keyset.integer(f"m.{key}", ascending=ascending)
    if key == "model_id":
        return keyset.c_text("m.model_id", ascending=ascending)
    return keyset.text(_COLUMNS.get(key, f"m.{key}"), ascending=ascending)
