"""Caches the statements that walk through runs. Composing one takes longer than most walks, and most searches need no more."""

from collections.abc import Mapping
from functools import lru_cache

from services.tracking.store import run_pages
from services.tracking.store.run_pages import SIDE_BY_SIDE, RunSearch
from services.tracking.store.run_sets import Scope
from shared.contracts.views import ViewType
from shared.mlflow.search.grammars import RUNS
from shared.mlflow.search.order_by import parse_order_by
from shared.mlflow.search.page_token import Search
from shared.mlflow.search.parser import parse_filter
from shared.mlflow.search.remembered import LONGEST_REMEMBERED, MOST_REMEMBERED
from shared.mlflow.search.sql import Composed


def walk(source: Search, search: RunSearch, budget: int) -> Composed | None:
    """Return ``run_pages.walk`` of a search, whose texts are in ``source``."""
    after = search.after
    # Long filters are not cached: they are rare, and their statements are large.
    if len(source.filter) + sum(map(len, source.order_by)) > LONGEST_REMEMBERED:
        return run_pages.walk(search, budget)
    if after is not None and not run_pages.can_continue(search):
        return None
    # One, several or many experiments: the text does not depend on their exact number.
    count = len(search.scope.experiments)
    experiments = min(count, 2) if count <= SIDE_BY_SIDE else SIDE_BY_SIDE + 1
    composed = _compose(source, search.view, experiments, len(after) if after is not None else 0)
    return composed.given(_given(search, budget)) if composed else None


@lru_cache(MOST_REMEMBERED)
def _compose(source: Search, view: ViewType, experiments: int, terms: int) -> Composed | None:
    """Compose the walk of a search with other values than any request has.

    The text depends on the arguments: the filter and the order, the view, whether there are one, several or many
    experiments, and how many values a key has that the page begins after (0: it is the first page).
    """
    search = RunSearch(
        Scope(0, [0] * experiments),
        view,
        parse_filter(source.filter, RUNS),
        parse_order_by(source.order_by, RUNS),
        limit=0,
        after=[0] * terms if terms else None,
    )
    return run_pages.walk(search, 0)


def _given(search: RunSearch, budget: int) -> Mapping[str, object]:
    scope = search.scope
    return {
        "project": scope.project,
        "experiments": scope.bound_experiments,
        "limit": search.limit,
        "share": run_pages.share_of(scope, budget),
        **{f"after{index}": value for index, value in enumerate(search.after or ())},
    }
