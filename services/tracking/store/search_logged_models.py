"""Searches logged models: finds a page of model ids.

The rules are those of ``search_logged_models`` in MLflow's SQL store. In a filter a metric means any
point ever logged for the model. In an order it means the latest point.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, cast

from services.tracking.store.search import parse_experiment_id
from shared.contracts import limits
from shared.contracts.errors import invalid
from shared.contracts.logged_models import DatasetFilter, LoggedModelOrder, SearchLoggedModels
from shared.contracts.views import LoggedModelStatus
from shared.mlflow.search import keyset
from shared.mlflow.search.ast import Comparator, Comparison, Entity
from shared.mlflow.search.bounded import Ahead, Budget, Clause, Listing, Wanted, fetch_bounded
from shared.mlflow.search.candidates import (
    Source,
    integer_set,
    is_narrow,
    long_text_set,
    metric_set,
    text_set,
)
from shared.mlflow.search.grammars import LOGGED_MODELS
from shared.mlflow.search.keyset import Term
from shared.mlflow.search.max_results import THRESHOLD, check_max_results
from shared.mlflow.search.page_token import KeyValue, Search
from shared.mlflow.search.parser import parse_filter
from shared.mlflow.search.sql import Bindings, compare_integer, compare_metric, compare_text, exists
from shared.mlflow.search.statement import Connection, Page

DEFAULT_RESULTS = 50
"""The default of MLflow's proto. 0 means the default of its store, which is 100."""

STORE_DEFAULT_RESULTS = 100

_COLUMNS: Final = {"artifact_location": "m.artifact_uri", "experiment_id": "m.experiment_id::text"}
_TABLES: Final = {Entity.PARAM: "logged_model_params", Entity.TAG: "logged_model_tags"}
_UNINDEXED: Final = frozenset(_COLUMNS)
_METRICS: Final = "logged_model_metrics f"
_OF_MODEL: Final = "f.project_id = m.project_id AND f.model_id = m.model_id"
_VALUES: Final = (
    "SELECT f.value FROM logged_model_metrics f"
    " WHERE f.project_id = m.project_id AND f.model_id = m.model_id"
)


async def search_model_ids(
    connection: Connection, project: int, query: SearchLoggedModels, budget: Budget | None = None
) -> Page[str]:
    """Return a page of model ids, by default newest first.

    Raises DomainError(INVALID_PARAMETER_VALUE) for every mistake of the client.
    """
    limit = _limit(query.max_results)
    comparisons = parse_filter(query.filter, LOGGED_MODELS)
    _check(query)
    experiments = [parse_experiment_id(value) for value in query.experiment_ids]
    scope = Scope(project, list(dict.fromkeys(experiments)))
    orders = _Orders.of(query.order_by)
    listing = Listing(
        table="logged_models",
        alias="m",
        key=("model_id",),
        column="m.model_id",
        scope=scope.condition,
        clauses=_clauses(scope, comparisons, query.datasets),
        terms=orders.terms(),
        joins=orders.joins,
        walked=len(scope.experiments) == 1 and orders.indexed,
        ahead=orders.ahead(project),
    )
    wanted = Wanted(_search(query), query.page_token, limit)
    page = await fetch_bounded(connection, listing, wanted, budget)
    return cast("Page[str]", page)


@dataclass(frozen=True, slots=True)
class Scope:
    """The models that a search may find: those of some experiments that are not deleted."""

    project: int
    experiments: Sequence[int]

    def condition(self, bindings: Bindings) -> str:
        """Return the condition of the scope. For one experiment an index has the order."""
        project = bindings.add(self.project, "bigint")
        if len(self.experiments) == 1:
            wanted = f"m.experiment_id = {bindings.add(self.experiments[0], 'bigint')}"
        else:
            wanted = f"m.experiment_id = ANY({bindings.add(self.experiments, 'bigint[]')})"
        return f"m.project_id = {project} AND {wanted} AND NOT m.deleted"


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


def _clauses(
    scope: Scope, comparisons: Sequence[Comparison], datasets: Sequence[DatasetFilter]
) -> list[Clause]:
    """Return the clauses of a filter. If it names no metric, any metric on one of the datasets counts."""
    clauses = [_Comparing(scope, _normal(each), datasets).clause for each in comparisons]
    if datasets and not any(each.entity is Entity.METRIC for each in comparisons):
        clauses.append(
            Clause(
                lambda bindings: exists(
                    f"{_METRICS} WHERE {_OF_MODEL}{_measured_on(datasets, bindings)}"
                )
            )
        )
    return clauses


def _measured_on(datasets: Sequence[DatasetFilter], bindings: Bindings) -> str:
    """Return the condition, after others, that a point is measured on one of the datasets, if there are any."""
    if not datasets:
        return ""
    return f" AND ({' OR '.join(_on(dataset, bindings) for dataset in datasets)})"


@dataclass(frozen=True, slots=True)
class _Comparing:
    """A comparison of the models of a scope, as SQL. Points count that are measured on one of the datasets."""

    scope: Scope
    comparison: Comparison
    datasets: Sequence[DatasetFilter]

    @property
    def clause(self) -> Clause:
        """Return the condition and the set."""
        narrow = is_narrow(self.comparison) and self.comparison.key not in _UNINDEXED
        on = f"m.{self.comparison.key}" if self.comparison.entity is Entity.ATTRIBUTE else ""
        return Clause(self._condition, self._candidates, narrow, on)

    def _condition(self, bindings: Bindings) -> str:
        comparison = self.comparison
        comparator, value = comparison.comparator, comparison.value
        if comparison.entity is Entity.ATTRIBUTE:
            return _attribute(comparison, bindings)
        key = bindings.add(comparison.key, "text")
        if comparison.entity is Entity.METRIC:
            compared = compare_metric("f.value", comparator, value, bindings)
            compared += _measured_on(self.datasets, bindings)
            return exists(f"{_METRICS} WHERE {_OF_MODEL} AND f.key = {key} AND {compared}")
        # A model without the param or tag satisfies no comparison.
        compared = compare_text("f.value", comparator, value, bindings)
        table = _TABLES[comparison.entity]
        return exists(f"{table} f WHERE {_OF_MODEL} AND f.key = {key} AND {compared}")

    def _candidates(self, bindings: Bindings) -> str:
        comparison = self.comparison
        if comparison.entity is Entity.ATTRIBUTE:
            return self._models(bindings)
        project = bindings.add(self.scope.project, "bigint")
        scope = f"f.project_id = {project} AND f.key = {bindings.add(comparison.key, 'text')}"
        if comparison.entity is Entity.METRIC:
            scope += _measured_on(self.datasets, bindings)
            return metric_set(
                Source(_METRICS, "f.model_id", scope), "f.value", comparison, bindings
            )
        source = Source(f"{_TABLES[comparison.entity]} f", "f.model_id", scope)
        return long_text_set(source, "f.value", comparison, bindings)

    def _models(self, bindings: Bindings) -> str:
        comparison = self.comparison
        models = Source("logged_models m", "m.model_id", self.scope.condition(bindings))
        if comparison.key in _UNINDEXED:
            return models.where(_attribute(comparison, bindings))
        if comparison.key in LOGGED_MODELS.numeric:
            return integer_set(models, f"m.{comparison.key}", comparison, bindings)
        return text_set(models, f"m.{comparison.key}", comparison, bindings)


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


def _normal(comparison: Comparison) -> Comparison:
    """Return a comparison with statuses in their wire form."""
    value = comparison.value
    if (comparison.entity, comparison.key) != (Entity.ATTRIBUTE, "status"):
        return comparison
    if comparison.comparator in (Comparator.LIKE, Comparator.ILIKE):
        return comparison
    read = tuple(map(_status, value)) if isinstance(value, tuple) else _status(str(value))
    return replace(comparison, value=read)


def _attribute(comparison: Comparison, bindings: Bindings) -> str:
    key, comparator, value = comparison.key, comparison.comparator, comparison.value
    if key in LOGGED_MODELS.numeric:
        return compare_integer(f"m.{key}", comparator, value, bindings)
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


@dataclass(frozen=True, slots=True)
class _Orders:
    """The requested orders, each with its entity and key."""

    fields: Sequence[tuple[LoggedModelOrder, Entity, str]]

    @classmethod
    def of(cls, orders: Sequence[LoggedModelOrder]) -> "_Orders":
        """Read the orders of a request. Raises DomainError for one that MLflow does not know."""
        return cls([(order, *_field(order.field_name)) for order in orders])

    @property
    def indexed(self) -> bool:
        """Tell whether an index has the order."""
        if not self.fields:
            return True
        _, entity, key = self.fields[0]
        return entity is Entity.ATTRIBUTE and key != "artifact_location"

    def ahead(self, project: int) -> Ahead | None:
        """Return what leads to the first models in the order of a metric."""
        if not self.fields or self.fields[0][1] is not Entity.METRIC:
            return None
        order, _, key = self.fields[0]
        return _BestPoints(project, order, key)

    def terms(self) -> list[Term]:
        """Return the ordering terms: the requested ones, then newest first, then the model id."""
        terms: list[Term] = []
        for index, (order, entity, key) in enumerate(self.fields):
            if entity is Entity.METRIC:
                terms += keyset.metric(f"o{index}.value", ascending=order.ascending)
            else:
                terms += _column(key, ascending=order.ascending)
            # The model id is unique, so later terms have no effect.
            if (entity, key) == (Entity.ATTRIBUTE, "model_id"):
                return terms
        keys = [(entity, key) for _, entity, key in self.fields]
        if (Entity.ATTRIBUTE, "creation_timestamp_ms") not in keys:
            terms += _column("creation_timestamp_ms", ascending=False)
        return [*terms, *_column("model_id", ascending=True)]

    def joins(self, bindings: Bindings) -> str:
        """Return joins to the latest points of metrics, on datasets if the orders name them."""
        return "".join(
            f"\nLEFT JOIN LATERAL ({_VALUES}"
            f" AND f.key = {bindings.add(key, 'text')} AND {_on(order, bindings)}"
            ' ORDER BY f."timestamp" DESC, f.step DESC, f.run_id, f.value DESC LIMIT 1'
            f") o{index} ON true"
            for index, (order, entity, key) in enumerate(self.fields)
            if entity is Entity.METRIC
        )


@dataclass(frozen=True, slots=True)
class _BestPoints:
    """The points of a metric in the order of their values: a model's latest point is one of them.

    The models of the first points come first, except those whose latest point is not among them.
    """

    project: int
    order: LoggedModelOrder
    key: str

    def first(
        self, rows: int, after: Sequence[KeyValue] | None, bindings: Bindings
    ) -> tuple[str, str] | None:
        """Return the models of so many points, and the condition that a model's latest point precedes the last one.

        NaN and models without the metric come after all numbers; they are not led to.
        """
        ascending = self.order.ascending
        direction, beyond, before = ("ASC", ">=", "<") if ascending else ("DESC", "<=", ">")
        start = ""
        if after is not None:
            rank, value = after[:2]
            if rank != 0:
                return None
            start = f" AND f.value {beyond} {bindings.add(value, 'double precision')}"
        points = (
            f"FROM {_METRICS} WHERE f.project_id = {bindings.add(self.project, 'bigint')}"
            f" AND f.key = {bindings.add(self.key, 'text')} AND {_on(self.order, bindings)}"
            f" AND f.value < 'NaN'{start} ORDER BY f.value {direction}"
        )
        last = f"(SELECT f.value {points} OFFSET {rows - 1} LIMIT 1)"
        latest = "o0.value"
        precedes = f"({latest} < 'NaN' AND coalesce({latest} {before} {last}, true))"
        return f"(SELECT f.model_id {points} LIMIT {rows})", precedes


def _field(name: str) -> tuple[Entity, str]:
    """Read a field to order by: an attribute without a prefix, or ``metrics.<key>``; the key is not unquoted."""
    prefix, dot, key = name.partition(".")
    if not dot and name in LOGGED_MODELS.orderable:
        return Entity.ATTRIBUTE, LOGGED_MODELS.aliases.get(name, name)
    if dot and prefix == "metrics":
        return Entity.METRIC, key
    template = LOGGED_MODELS.unsortable if dot else LOGGED_MODELS.unknown_order
    raise invalid(template.format(name=name))


def _column(key: str, *, ascending: bool) -> tuple[Term, ...]:
    if key in LOGGED_MODELS.numeric or key == "experiment_id":
        return keyset.integer(f"m.{key}", ascending=ascending)
    if key == "model_id":
        return keyset.c_text("m.model_id", ascending=ascending)
    column = _COLUMNS.get(key, f"m.{key}")
    return keyset.c_text(f'{column} COLLATE "C"', ascending=ascending)
