"""Composes the statements that find a page of runs.

- ``walk`` reads runs in the order of the search, from an index that has it, and stops after a number of them.
- ``drive`` compares each run of one set exactly. The set must be small.
- ``intersect`` joins the sets of all clauses. It reads each of them whole, mostly from indexes alone.
- ``plain`` compares each run of the experiments exactly.

All return rows `(run_id, k0, k1, ..., stop)`: the run, its key, and whether the order of the rows from this one on is
unknown. None is written with PostgreSQL's estimates in mind, which know little about the values of one key in one
experiment: joins that must be look-ups are LATERAL with OFFSET 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.tracking.store import run_conditions, run_sets
from services.tracking.store.run_sets import HEAD, Scope
from services.tracking.store.search import lifecycle
from shared.contracts.views import ViewType
from shared.mlflow.search import keyset
from shared.mlflow.search.ast import Comparator, Comparison, Entity, OrderBy
from shared.mlflow.search.keyset import Term
from shared.mlflow.search.page_token import KeyValue
from shared.mlflow.search.sql import Bindings

NEWEST: Final = (
    *keyset.integer("c.start_time", ascending=False),
    *keyset.uuid("c.run_id", ascending=True),
)
"""The order of a search that asks for none, by the columns of a set ``c``."""

SIDE_BY_SIDE: Final = 50
"""Largest number of experiments whose runs are walked through side by side."""

_RUN: Final = (
    "CROSS JOIN LATERAL (SELECT * FROM runs WHERE runs.project_id = {project} AND"
    " runs.run_id = c.run_id OFFSET 0) r"
)


@dataclass(frozen=True, slots=True)
class RunSearch:
    """A search that is parsed: which runs, in which order, after which key, and how many at most."""

    scope: Scope
    view: ViewType
    comparisons: Sequence[Comparison]
    orders: Sequence[OrderBy]
    limit: int
    after: Sequence[KeyValue] | None = None

    @property
    def value_order(self) -> OrderBy | None:
        """The order if it is by one metric, param or tag, for which there is an index."""
        only = self.orders[0] if len(self.orders) == 1 else None
        return only if only and only.entity is not Entity.ATTRIBUTE else None

    @property
    def uses_metrics(self) -> bool:
        """Tell whether metrics decide which runs are found, or in which order."""
        entities = [each.entity for each in self.comparisons] + [
            each.entity for each in self.orders
        ]
        return Entity.METRIC in entities

    @property
    def terms(self) -> tuple[Term, ...]:
        """The ordering terms."""
        return run_conditions.ordering(self.orders, Bindings())[1]

    def conditions(self, bindings: Bindings) -> list[str]:
        """Return the exact conditions on a row ``r`` of runs."""
        return [
            self.scope.contains("r", bindings),
            *lifecycle("r", self.view),
            *(run_conditions.condition(each, bindings) for each in self.comparisons),
        ]


@dataclass(frozen=True, slots=True)
class Composed:
    """A statement and its values."""

    text: str
    values: Sequence[object]


def plain(search: RunSearch) -> Composed:
    """Compare each run of the scope exactly."""
    bindings = Bindings()
    return Composed(_exact(search, bindings, "runs r"), bindings.values)


def walk(search: RunSearch, budget: int) -> Composed | None:
    """Read at most ``budget`` runs in the order of the search; None if no index has this order."""
    bindings = Bindings()
    if not search.orders:
        return Composed(_walk_newest(search, bindings, budget), bindings.values)
    order = search.value_order
    if len(search.scope.experiments) > SIDE_BY_SIDE:
        return None
    # The key of a run without a number or text begins with a rank above 0. Such runs are in no index.
    if order is None or (search.after is not None and search.after[0] != 0):
        return None
    text = _walk_values(search, order, bindings, budget)
    if order.entity is Entity.METRIC:
        text = _and_unfolded(search, text, bindings)
    return Composed(text, bindings.values)


def drive(search: RunSearch, comparison: Comparison) -> Composed:
    """Compare each run of a clause's set exactly."""
    bindings = Bindings()
    found = run_sets.candidates(comparison, search.scope, bindings)
    run = _RUN.format(project=bindings.add(search.scope.project, "bigint"))
    folded = comparison.entity is Entity.METRIC
    extra = ("r.folded",) if folded else ()
    text = _exact(search, bindings, f"({found}) c {run}", extra)
    return Composed(_and_unfolded(search, text, bindings) if folded else text, bindings.values)


def intersect(search: RunSearch, *, lifecycles: bool) -> Composed:
    """Compare the runs that are in the sets of all clauses.

    With ``lifecycles`` a set tells deleted runs from others, too.
    """
    bindings = Bindings()
    sets = _sets(search, bindings, lifecycles=lifecycles)
    joined = f"({sets[0]}) s0" + "".join(
        f" JOIN ({each}) s{index} USING (run_id)" for index, each in enumerate(sets[1:], 1)
    )
    missing = [
        f"NOT EXISTS (SELECT FROM ({keys}) n WHERE n.run_id = s0.run_id)"
        for keys in _missing(search, bindings)
    ]
    where = f" WHERE {' AND '.join(missing)}" if missing else ""
    found = f"SELECT run_id, s0.start_time FROM {joined}{where}"
    folded = search.uses_metrics
    text = _intersected(search, bindings, found, ("r.folded",) if folded else ())
    return Composed(_and_unfolded(search, text, bindings) if folded else text, bindings.values)


def _sets(search: RunSearch, bindings: Bindings, *, lifecycles: bool) -> list[str]:
    found = (run_sets.candidates(each, search.scope, bindings) for each in search.comparisons)
    sets = [each for each in found if each is not None]
    if lifecycles or not sets:
        runs = search.scope.runs(bindings)
        sets.append(" AND ".join([runs, *lifecycle("s", search.view)]) if lifecycles else runs)
    return sets


def _missing(search: RunSearch, bindings: Bindings) -> list[str]:
    """Return the sets of runs that an IS NULL excludes."""
    return [
        run_sets.with_key(each.entity, each.key, search.scope, bindings)
        for each in search.comparisons
        if each.comparator is Comparator.IS_NULL
    ]


def _intersected(search: RunSearch, bindings: Bindings, found: str, extra: Sequence[str]) -> str:
    """Sort the found runs, and compare them exactly one after the other, until there are enough.

    If they must be sorted by something that no set has, they are compared first.
    """
    run = _RUN.format(project=bindings.add(search.scope.project, "bigint"))
    order = search.value_order
    if search.orders and order is None:
        return _exact(search, bindings, f"({found}) c {run}", extra)
    value, stop = "NULL", "false"
    if order is not None:
        column = "s.value" if order.entity is Entity.METRIC else "s.head"
        values = run_sets.with_key(
            order.entity, order.key, search.scope, bindings, f"{column} AS value"
        )
        found = f"SELECT f.run_id, f.start_time, o.value FROM ({found}) f LEFT JOIN ({values}) o USING (run_id)"
        value = "c.value"
        stop = _cut_off(order, value)
    terms = _set_terms(order, value)
    conditions = [*search.conditions(bindings), *extra]
    if search.after is not None:
        conditions.append(f"({stop} OR {keyset.after(terms, search.after, bindings)})")
    ordered = f"SELECT * FROM ({found}) c ORDER BY {_by_expression(terms)}"
    return (
        f"SELECT c.run_id, {keyset.select_list(terms)}, {stop} AS stop\n"
        f"FROM ({ordered}) c {run}\nWHERE {' AND '.join(conditions)}\n"
        f"ORDER BY {_by_expression(terms)}\nLIMIT {bindings.add(search.limit, 'bigint')}"
    )


def _walk_newest(search: RunSearch, bindings: Bindings, budget: int) -> str:
    rows = "SELECT w.* FROM runs w WHERE {scope}"
    many = len(search.scope.experiments) > SIDE_BY_SIDE
    start_time = "(w.start_time + 0)" if many else "w.start_time"
    if search.after is not None:
        rows += f" AND {start_time} <= {bindings.add(search.after[0], 'bigint')}"
    if many:
        project = f"w.project_id = {bindings.add(search.scope.project, 'bigint')}"
        share = bindings.add(budget, "bigint")
        walked = (
            f"SELECT w.*, row_number() OVER () = {share} AS stop"
            f" FROM ({rows.format(scope=project)} ORDER BY {start_time} DESC, w.run_id LIMIT {share}) w"
            " ORDER BY start_time DESC, run_id"
        )
    else:
        walked = _walked(search.scope, bindings, rows, "start_time DESC, run_id", budget)
    terms = run_conditions.closing_terms(())
    conditions = search.conditions(bindings)
    if search.after is not None:
        conditions.append(keyset.after(terms, search.after, bindings))
    return (
        f"SELECT r.run_id, {keyset.select_list(terms)}, r.stop\n"
        f"FROM ({walked}) r\nWHERE r.stop OR ({' AND '.join(conditions)})\n"
        f"ORDER BY {keyset.order_list(terms)}\nLIMIT {bindings.add(search.limit, 'bigint')}"
    )


def _walk_values(search: RunSearch, order: OrderBy, bindings: Bindings, budget: int) -> str:
    """Walk through the values of the metric, param or tag that orders the search."""
    metric = order.entity is Entity.METRIC
    column, sql_type = ("value", "double precision") if metric else ("head", "text")
    key = bindings.add(order.key, "text")
    rows = (
        f"SELECT w.run_id, w.start_time, w.{column} AS value FROM {run_sets.table(order.entity)} w"
        f" WHERE {{scope}} AND w.key = {key}"
    )
    if metric:
        rows += " AND w.value < 'NaN'"
    if search.after is not None:
        last = search.after[1]
        bound = bindings.add(last[:HEAD] if isinstance(last, str) else last, sql_type)
        rows += f" AND w.{column} {'>=' if order.ascending else '<='} {bound}"
    direction = "" if order.ascending else " DESC"
    by_value = f"value{direction}, start_time DESC, run_id"
    walked = _walked(search.scope, bindings, rows, by_value, budget)
    terms = _set_terms(order, "c.value")
    conditions = search.conditions(bindings)
    if metric:
        conditions.append("r.folded")
    if search.after is not None:
        conditions.append(keyset.after(terms, search.after, bindings))
    stop = f"(c.stop OR {_cut_off(order, 'c.value')})"
    run = _RUN.format(project=bindings.add(search.scope.project, "bigint"))
    return (
        f"SELECT c.run_id, {keyset.select_list(terms)}, {stop} AS stop\n"
        f"FROM ({walked}) c {run}\nWHERE {stop} OR ({' AND '.join(conditions)})\n"
        f"ORDER BY c.value{direction}, c.start_time DESC, c.run_id"
        f"\nLIMIT {bindings.add(search.limit, 'bigint')}"
    )


def _walked(scope: Scope, bindings: Bindings, rows: str, order: str, budget: int) -> str:
    """Return rows of each experiment in an order, at most so many in all. The last of an experiment stops the walk."""
    experiments = scope.experiments
    share = bindings.add(max(budget // len(experiments), 1), "bigint")
    project = f"w.project_id = {bindings.add(scope.project, 'bigint')}"
    numbered = (
        "SELECT w.*, row_number() OVER () = {share} AS stop FROM"
        " ({rows} ORDER BY {order} LIMIT {share}) w ORDER BY {order}"
    )
    if len(experiments) == 1:
        experiment = bindings.add(experiments[0], "bigint")
        scoped = rows.format(scope=f"{project} AND w.experiment_id = {experiment}")
        return numbered.format(rows=scoped, order=order, share=share)
    scoped = rows.format(scope=f"{project} AND w.experiment_id = e.experiment_id")
    each = numbered.format(rows=scoped, order=order, share=share)
    given = bindings.add(experiments, "bigint[]")
    return (
        f"SELECT w.* FROM unnest({given}) AS e (experiment_id)"
        f" CROSS JOIN LATERAL ({each}) w ORDER BY {order}"
    )


def _and_unfolded(search: RunSearch, text: str, bindings: Bindings) -> str:
    """Add the runs that are not folded to a statement that finds folded runs by their metrics."""
    unfolded = _exact(search, bindings, "runs r", ("NOT r.folded",))
    return (
        f"SELECT * FROM (({text})\nUNION ALL ({unfolded})) AS found\n"
        f"ORDER BY {keyset.order_list(search.terms)}\nLIMIT {bindings.add(search.limit, 'bigint')}"
    )


def _exact(search: RunSearch, bindings: Bindings, source: str, extra: Sequence[str] = ()) -> str:
    """Compare all runs ``r`` of a source exactly."""
    joins, terms = run_conditions.ordering(search.orders, bindings)
    conditions = [*extra, *search.conditions(bindings)]
    if search.after is not None:
        conditions.append(keyset.after(terms, search.after, bindings))
    return (
        f"SELECT r.run_id, {keyset.select_list(terms)}, false AS stop\n"
        f"FROM {source}{joins}\nWHERE {' AND '.join(conditions)}\n"
        f"ORDER BY {keyset.order_list(terms)}\nLIMIT {bindings.add(search.limit, 'bigint')}"
    )


def _set_terms(order: OrderBy | None, value: str) -> tuple[Term, ...]:
    """Return the ordering terms by the columns of a set ``c``."""
    if order is None:
        return NEWEST
    return (*run_conditions.value_terms(order, value), *NEWEST)


def _cut_off(order: OrderBy, value: str) -> str:
    """Return the condition that a text was cut off, so that its place in the order is unknown."""
    if order.entity is Entity.METRIC:
        return "false"
    return f"coalesce(char_length({value}) = {HEAD}, false)"


def _by_expression(terms: Sequence[Term]) -> str:
    return ", ".join(
        term.expression if term.ascending else f"{term.expression} DESC" for term in terms
    )
