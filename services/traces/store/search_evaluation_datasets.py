"""Searches evaluation datasets: finds a page of their ids.

The rules are those of ``search_datasets`` in MLflow's SQL store. A dataset without a tag satisfies no comparison with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast
from uuid import UUID

from shared.contracts import limits
from shared.contracts.evaluation_datasets import SearchEvaluationDatasets
from shared.mlflow.search import keyset
from shared.mlflow.search.ast import Comparison, Entity, OrderBy
from shared.mlflow.search.bounded import Budget, Clause, Listing, Wanted, fetch_bounded
from shared.mlflow.search.candidates import (
    Source,
    integer_set,
    is_narrow,
    long_text_set,
    text_set,
)
from shared.mlflow.search.grammars import EVALUATION_DATASETS
from shared.mlflow.search.keyset import Term
from shared.mlflow.search.max_results import check_max_results
from shared.mlflow.search.order_by import parse_order_by
from shared.mlflow.search.page_token import Search
from shared.mlflow.search.parser import parse_filter
from shared.mlflow.search.sql import Bindings, compare_integer, compare_text, exists
from shared.mlflow.search.statement import Connection, Page

_NEWEST_FIRST = (OrderBy(Entity.ATTRIBUTE, "created_time", ascending=False),)
_OF_DATASET: Final = "f.project_id = d.project_id AND f.dataset_id = d.dataset_id"


async def search_evaluation_dataset_ids(
    connection: Connection,
    project: int,
    query: SearchEvaluationDatasets,
    budget: Budget | None = None,
) -> Page[UUID]:
    """Return a page of dataset ids, by default newest first.

    Raises DomainError(INVALID_PARAMETER_VALUE) for every mistake of the client.
    """
    # As in MLflow's handler, 0 means the default.
    limit = min(check_max_results(query.max_results or None), limits.EVALUATION_DATASETS)
    comparisons = parse_filter(query.filter_string, EVALUATION_DATASETS)
    orders = parse_order_by(query.order_by, EVALUATION_DATASETS)
    experiments = tuple(dict.fromkeys(query.experiment_ids))
    listing = Listing(
        table="evaluation_datasets",
        alias="d",
        key=("dataset_id",),
        column="d.dataset_id",
        scope=lambda bindings: f"d.project_id = {bindings.add(project, 'bigint')}",
        clauses=[
            *(_Comparing(project, each).clause for each in comparisons),
            *([_Linked(project, experiments).clause] if experiments else ()),
        ],
        terms=_terms(orders or _NEWEST_FIRST),
    )
    search = Search(
        "evaluation_datasets", query.filter_string or "", tuple(query.order_by), experiments
    )
    page = await fetch_bounded(connection, listing, Wanted(search, query.page_token, limit), budget)
    return cast("Page[UUID]", page)


@dataclass(frozen=True, slots=True)
class _Linked:
    """The datasets of a project that are linked to any of some experiments, as SQL."""

    project: int
    experiments: Sequence[str]

    @property
    def clause(self) -> Clause:
        """Return the condition and the set."""
        return Clause(self._condition, self._candidates)

    def _condition(self, bindings: Bindings) -> str:
        wanted = bindings.add(self.experiments, "text[]")
        return exists(
            f"evaluation_dataset_experiments f WHERE {_OF_DATASET} AND f.experiment_id = ANY({wanted})"
        )

    def _candidates(self, bindings: Bindings) -> str:
        scope = f"f.project_id = {bindings.add(self.project, 'bigint')}"
        wanted = bindings.add(self.experiments, "text[]")
        links = Source("evaluation_dataset_experiments f", "f.dataset_id", scope)
        return links.where(f"f.experiment_id = ANY({wanted})")


@dataclass(frozen=True, slots=True)
class _Comparing:
    """A comparison of the datasets of a project, as SQL."""

    project: int
    comparison: Comparison

    @property
    def clause(self) -> Clause:
        """Return the condition and the set."""
        if self.comparison.entity is Entity.TAG:
            return Clause(self._tag, self._tagged, is_narrow(self.comparison))
        # No index has the users of last updates: each merge of records would write into it.
        found = None if self.comparison.key == "last_updated_by" else self._datasets
        on = f"d.{self.comparison.key}"
        return Clause(self._attribute, found, is_narrow(self.comparison), on)

    def _attribute(self, bindings: Bindings) -> str:
        key, comparator, value = (
            self.comparison.key,
            self.comparison.comparator,
            self.comparison.value,
        )
        compare = compare_integer if key in EVALUATION_DATASETS.numeric else compare_text
        return compare(f"d.{key}", comparator, value, bindings)

    def _datasets(self, bindings: Bindings) -> str:
        key = self.comparison.key
        scope = f"d.project_id = {bindings.add(self.project, 'bigint')}"
        source = Source("evaluation_datasets d", "d.dataset_id", scope)
        find = integer_set if key in EVALUATION_DATASETS.numeric else text_set
        return find(source, f"d.{key}", self.comparison, bindings)

    def _tag(self, bindings: Bindings) -> str:
        comparison = self.comparison
        rows = (
            f"evaluation_dataset_tags f WHERE {_OF_DATASET}"
            f" AND f.key = {bindings.add(comparison.key, 'text')}"
        )
        value = compare_text("f.value", comparison.comparator, comparison.value, bindings)
        return exists(f"{rows} AND {value}")

    def _tagged(self, bindings: Bindings) -> str:
        project = bindings.add(self.project, "bigint")
        key = bindings.add(self.comparison.key, "text")
        scope = f"f.project_id = {project} AND f.key = {key}"
        source = Source("evaluation_dataset_tags f", "f.dataset_id", scope)
        return long_text_set(source, "f.value", self.comparison, bindings)


def _terms(orders: Sequence[OrderBy]) -> list[Term]:
    """Return the ordering terms up to the id, which MLflow sorts downwards."""
    terms = [term for order in orders for term in _term(order)]
    return [*terms, *keyset.uuid("d.dataset_id", ascending=False)]


def _term(order: OrderBy) -> tuple[Term, ...]:
    if order.key == "name":
        return keyset.c_text('d.name COLLATE "C"', ascending=order.ascending)
    return keyset.integer(f"d.{order.key}", ascending=order.ascending)
