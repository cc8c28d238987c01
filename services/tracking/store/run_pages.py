"""Composes the statements that find a page of runs.

- ``walk`` reads runs in the order of the search, from an index that has it, and stops after a number of them.
- ``from_sets`` joins the sets of clauses, mostly from indexes alone, sorts what they have in common, and compares it
  exactly until the page is full.
- ``plain`` compares each run of the experiments exactly.

All return rows `(run_id, k0, k1, ..., stop)`: the run, its key, and whether the order of the rows from this one on is
unknown. PostgreSQL's estimates know little about the values of one key in one experiment, so no statement relies on
them: joins that must be look-ups are LATERAL with OFFSET 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.tracking.store import run_conditions, run_sets
from services.tracking.store.run_sets import Scope
from services.tracking.store.search import lifecycle
from shared.contracts.views import ViewType
from shared.mlflow.search import keyset
from shared.mlflow.search.ast import Comparator, Comparison, Entity, OrderBy
from shared.mlflow.search.candidates import SHORT
from shared.mlflow.search.keyset import Term
from shared.mlflow.search.page_token import KeyValue
from shared.mlflow.search.sql import Bindings, Composed

SIDE_BY_SIDE: Final = 50
"""Largest number of experiments whose runs are walked through side by side."""


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
    def uses_metrics(self) -> bool:
        """Tell whether metrics decide which runs are found, or in which order."""
        entities = [each.entity for each in self.comparisons] + [e.entity for e in self.orders]
        return Entity.METRIC in entities

    @property
    def terms(self) -> tuple[Term, ...]:
        """The ordering terms."""
        return run_conditions.ordering(self.orders, Bindings())[1]

    def conditions(
        self,
        bindings: Bindings,
        terms: Sequence[Term],
        *extra: str,
        known: Sequence[Comparison] = (),
    ) -> str:
        """Return the exact conditions on a row ``r`` of runs, and that its key comes after the last page's.

        The clauses in ``known`` are left out.
        """
        conditions = [
            *extra,
            self.scope.contains("r", bindings),
            *lifecycle("r", self.view),
            *run_conditions.conditions(
                [each for each in self.comparisons if each not in known], bindings
            ),
        ]
        if self.after is not None:
            conditions.append(keyset.after(terms, self.after, bindings))
        return " AND ".join(conditions)


def plain(search: RunSearch) -> Composed:
    """Compare each run of the scope exactly."""
    bindings = Bindings()
    return Composed.of(_exact(search, bindings, "runs r"), bindings)


def walk(search: RunSearch, budget: int) -> Composed | None:
    """Read at most ``budget`` runs in the order of the search; None if no index has this order."""
    bindings = Bindings()
    order = search.orders[0] if search.orders else None
    if is_by_time(search):
        text = _walk_runs(search, order, bindings, budget)
        return Composed.of(text, bindings) if text else None
    if order is None or len(search.orders) > 1 or order.entity is Entity.ATTRIBUTE:
        return None
    if not can_continue(search) or len(search.scope.experiments) > SIDE_BY_SIDE:
        return None
    text = _walk_values(search, order, bindings, budget)
    if order.entity is Entity.METRIC:
        # The folded runs without a number are not in the walk. So others without one would come too early.
        text = _and_unfolded(search, text, bindings, f"{search.terms[0].expression} = 0")
    return Composed.of(text, bindings)


def is_by_time(search: RunSearch) -> bool:
    """Tell whether the order is by the start time alone."""
    if not search.orders:
        return True
    order = search.orders[0]
    attribute = order.entity is Entity.ATTRIBUTE
    return attribute and order.key == "start_time" and len(search.orders) == 1


def can_continue(search: RunSearch) -> bool:
    """Tell whether the runs after the key are in the index that a walk reads.

    The key of a run without a number or text begins with a rank above 0. Such runs are in no index.
    """
    return search.after is None or is_by_time(search) or search.after[0] == 0


def from_sets(
    search: RunSearch, comparisons: Sequence[Comparison], *, lifecycles: bool = False
) -> Composed | None:
    """Compare the runs that are in the sets of some of the clauses; None if no set has what the order needs.

    With ``lifecycles`` a set tells deleted runs from others, too.
    """
    bindings = Bindings()
    found = _common(search, comparisons, bindings, lifecycles=lifecycles)
    extra = []
    if search.uses_metrics:
        extra.append("r.folded")
    # Of folded runs the set of a metric is exact.
    known = [each for each in comparisons if run_sets.is_exact(each)]
    text = _sorted(search, found, extra, known, bindings)
    if text is None:
        return None
    return Composed.of(_and_unfolded(search, text, bindings) if extra else text, bindings)


def _common(
    search: RunSearch, comparisons: Sequence[Comparison], bindings: Bindings, *, lifecycles: bool
) -> str:
    """Return the set of runs that some clauses have in common, with the attributes that the search orders by."""
    scope = search.scope
    groups = run_conditions.by_key(comparisons)
    sets = [run_sets.candidates(each, scope, bindings) for each in groups]
    sets = [each for each in sets if each is not None]
    attributes = [f"s.{column}" for column in _attributes(search)]
    if attributes or lifecycles or not sets:
        conditions = lifecycle("s", search.view) if lifecycles else []
        sets.append(" AND ".join([scope.runs(bindings, *attributes), *conditions]))
    joined = f"({sets[0]}) s0" + "".join(
        f" JOIN ({each}) s{index} USING (run_id)" for index, each in enumerate(sets[1:], 1)
    )
    missing = [
        run_sets.with_key(each.entity, each.key, scope, bindings)
        for each in comparisons
        if each.comparator is Comparator.IS_NULL
    ]
    where = " AND ".join(
        f"NOT EXISTS (SELECT FROM ({each}) n WHERE n.run_id = s0.run_id)" for each in missing
    )
    columns = ", ".join(["run_id", "s0.start_time", *_attributes(search)])
    return f"SELECT {columns} FROM {joined}{' WHERE ' + where if where else ''}"


def _attributes(search: RunSearch) -> list[str]:
    """Return the columns, in the index of runs, of the attributes that the search orders by."""
    keys = [each.key for each in search.orders if each.entity is Entity.ATTRIBUTE]
    return [run_sets.ATTRIBUTES[key] for key in dict.fromkeys(keys) if key in run_sets.ATTRIBUTES]


def _sorted(
    search: RunSearch,
    found: str,
    extra: Sequence[str],
    known: Sequence[Comparison],
    bindings: Bindings,
) -> str | None:
    """Sort a set, and compare its runs exactly one after the other, until there are enough."""
    columns, joins, stops = ["f.*"], "", []
    terms: tuple[Term, ...] = ()
    for index, order in enumerate(search.orders):
        value = f"c.{run_sets.ATTRIBUTES.get(order.key, order.key)}"
        if order.entity is not Entity.ATTRIBUTE:
            values = run_sets.values_of(order, search.scope, bindings)
            joins += f" LEFT JOIN ({values}) o{index} USING (run_id)"
            columns.append(f"o{index}.value AS v{index}")
            value = f"c.v{index}"
        elif order.key == "artifact_uri":
            return None
        stops += _cut_off(order, value)
        terms += run_conditions.value_terms(order, value, "c")
    terms = _all_terms(search.orders, terms)
    stop = " OR ".join(stops) or "false"
    run, early = _run_if(search, stop, known, bindings)
    conditions = search.conditions(bindings, terms, *extra, known=(*known, *early))
    # The keys are columns of the sorted rows, so that PostgreSQL sees that the joined rows are sorted, too.
    keys = ", ".join(f"c.k{index}" for index in range(len(terms)))
    return (
        f"SELECT c.run_id, {keys}, {stop} AS stop\n"
        f"FROM (SELECT c.*, {keyset.select_list(terms)}"
        f" FROM (SELECT {', '.join(columns)} FROM ({found}) f{joins}) c"
        f" ORDER BY {keyset.order_list(terms)}) c {run}\n"
        f"WHERE {stop} OR ({conditions})\n"
        f"ORDER BY {keyset.order_list(terms)}\nLIMIT {bindings.give('limit', search.limit, 'bigint')}"
    )


def _all_terms(orders: Sequence[OrderBy], terms: tuple[Term, ...]) -> tuple[Term, ...]:
    """Add the closing terms. The run id is unique, so there is none after it."""
    for at, term in enumerate(terms):
        if term.expression == "c.run_id":
            return terms[: at + 1]
    return terms + run_conditions.closing_terms(orders, "c")


def _walk_runs(
    search: RunSearch, order: OrderBy | None, bindings: Bindings, budget: int
) -> str | None:
    """Walk through the runs, by default newest first."""
    ascending = order is not None and order.ascending
    many = len(search.scope.experiments) > SIDE_BY_SIDE
    if many and ascending:
        return None
    start_time = "(w.start_time + 0)" if many else "w.start_time"
    rows = "SELECT w.* FROM runs w WHERE {scope}"
    if search.after is not None:
        bound = bindings.give("after0", search.after[0], "bigint")
        rows += f" AND {start_time} {'>=' if ascending else '<='} {bound}"
    direction = "" if ascending else " DESC"
    if many:
        project = f"w.project_id = {search.scope.bind_project(bindings)}"
        share = bindings.give("share", budget, "bigint")
        walked = (
            f"SELECT w.*, row_number() OVER () = {share} AS stop"
            f" FROM ({rows.format(scope=project)} ORDER BY {start_time} DESC, w.run_id LIMIT {share}) w"
            " ORDER BY start_time DESC, run_id"
        )
    else:
        project = search.scope.bind_project(bindings)
        scope = f"w.project_id = {project} AND w.experiment_id = {{experiment_id}}"
        by_time = f"start_time{direction}, run_id"
        walked = _walked(search.scope, bindings, rows.format(scope=scope), by_time, budget)
    terms = search.terms
    return (
        f"SELECT r.run_id, {keyset.select_list(terms)}, r.stop\n"
        f"FROM ({walked}) r\nWHERE r.stop OR ({search.conditions(bindings, terms)})\n"
        f"ORDER BY {keyset.order_list(terms)}\nLIMIT {bindings.give('limit', search.limit, 'bigint')}"
    )


def _walk_values(search: RunSearch, order: OrderBy, bindings: Bindings, budget: int) -> str:
    """Walk through the values of the metric, param or tag that orders the search."""
    metric = order.entity is Entity.METRIC
    column = "w.value" if metric else 'w.value COLLATE "C"'
    rows = (
        f"SELECT w.run_id, w.start_time, {column} AS value FROM {run_sets.TABLES[order.entity]} w"
        f" WHERE w.experiment_number = {{experiment_number}} AND w.key = {bindings.add(order.key, 'text')}"
    )
    rows += " AND w.value < 'NaN'" if metric else f" AND {run_sets.is_short('w')}"
    known = [
        each
        for each in search.comparisons
        if (each.entity, each.key) == (order.entity, order.key)
        and each.comparator is not Comparator.IS_NULL
    ]
    rows += "".join(f" AND {run_sets.matches(each, 'w', bindings)}" for each in known)
    if search.after is not None:
        bound = bindings.give("after1", search.after[1], "double precision" if metric else "text")
        rows += f" AND {column} {'>=' if order.ascending else '<='} {bound}"
    by_value = f"value{'' if order.ascending else ' DESC'}, start_time DESC, run_id"
    walked = _walked(search.scope, bindings, rows, by_value, budget)
    terms = run_conditions.value_terms(order, "c.value") + run_conditions.closing_terms((), "c")
    stop = "c.stop"
    if not metric:
        # The place of texts that are not in the index is unknown.
        long = run_sets.with_long(order.entity, order.key, search.scope, bindings)
        stop = f"(c.stop OR EXISTS ({long}))"
    folded = ("r.folded",) if metric else ()
    known = [each for each in known if run_sets.is_exact(each)]
    run, early = _run_if(search, stop, known, bindings)
    conditions = search.conditions(bindings, terms, *folded, known=(*known, *early))
    return (
        f"SELECT c.run_id, {keyset.select_list(terms)}, {stop} AS stop\n"
        f"FROM ({walked}) c {run}\nWHERE {stop} OR ({conditions})\n"
        f"ORDER BY {', '.join('c.' + each for each in by_value.split(', '))}"
        f"\nLIMIT {bindings.give('limit', search.limit, 'bigint')}"
    )


def _walked(scope: Scope, bindings: Bindings, rows: str, order: str, budget: int) -> str:
    """Return rows of each experiment in an order, at most so many in all. The last of an experiment stops the walk.

    ``rows`` has a placeholder for the experiment's id or number.
    """
    share = bindings.give("share", share_of(scope, budget), "bigint")
    each = (
        f"SELECT w.*, row_number() OVER () = {share} AS stop FROM"
        f" ({rows} ORDER BY {order} LIMIT {share}) w ORDER BY {order}"
    )
    experiments = f"FROM experiments x WHERE {scope.where('x', bindings)}"
    if len(scope.experiments) == 1:
        return each.format(
            experiment_id=f"(SELECT x.experiment_id {experiments})",
            experiment_number=f"(SELECT x.experiment_number {experiments})",
        )
    scoped = each.format(experiment_id="e.experiment_id", experiment_number="e.experiment_number")
    return (
        f"SELECT w.* FROM (SELECT x.* {experiments} OFFSET 0) AS e"
        f" CROSS JOIN LATERAL ({scoped}) w ORDER BY {order}"
    )


def share_of(scope: Scope, budget: int) -> int:
    """Return how many runs are read of each experiment, or of the project if it has too many of them."""
    count = len(scope.experiments)
    return budget if count > SIDE_BY_SIDE else max(budget // count, 1)


def _and_unfolded(search: RunSearch, text: str, bindings: Bindings, *extra: str) -> str:
    """Add the runs that are not folded to a statement that finds folded runs by their metrics.

    ``extra`` are more conditions on them.
    """
    scope = search.scope
    source = f"(SELECT u.* FROM unfolded_runs u WHERE {scope.where('u', bindings)}) c {_run(search, bindings)}"
    unfolded = _exact(search, bindings, source, "NOT r.folded", *extra)
    return (
        f"SELECT * FROM (({text})\nUNION ALL ({unfolded})) AS found\n"
        f"ORDER BY {keyset.order_list(search.terms)}\nLIMIT {bindings.give('limit', search.limit, 'bigint')}"
    )


def _exact(search: RunSearch, bindings: Bindings, source: str, *extra: str) -> str:
    """Compare all runs ``r`` of a source exactly."""
    joins, terms = run_conditions.ordering(search.orders, bindings)
    return (
        f"SELECT r.run_id, {keyset.select_list(terms)}, false AS stop\n"
        f"FROM {source}{joins}\nWHERE {search.conditions(bindings, terms, *extra)}\n"
        f"ORDER BY {keyset.order_list(terms)}\nLIMIT {bindings.give('limit', search.limit, 'bigint')}"
    )


def _run(search: RunSearch, bindings: Bindings, *conditions: str) -> str:
    """Return the join of each row ``c`` of a set with its run ``r``. ``conditions`` on ``c`` are checked first."""
    found = (
        f"runs.project_id = {search.scope.bind_project(bindings)}",
        "runs.run_id = c.run_id",
        *conditions,
    )
    return f"CROSS JOIN LATERAL (SELECT * FROM runs WHERE {' AND '.join(found)} OFFSET 0) r"


def _run_if(
    search: RunSearch, stop: str, known: Sequence[Comparison], bindings: Bindings
) -> tuple[str, Sequence[Comparison]]:
    """Return the same join, without runs that lack a metric, param or tag, and the clauses that it has checked.

    A run that is left out costs no look-up. The row that stops the search is left in.
    """
    early = [
        each for each in search.comparisons if each.entity in run_sets.TABLES and each not in known
    ]
    if not early:
        return _run(search, bindings), ()
    owner = run_conditions.Owner(search.scope.bind_project(bindings), "c.run_id")
    conditions = run_conditions.keyed_conditions(early, owner, bindings)
    if stop == "false":
        return _run(search, bindings, *conditions), early
    return _run(search, bindings, f"({stop} OR ({' AND '.join(conditions)}))"), early


def _cut_off(order: OrderBy, value: str) -> list[str]:
    """Return the condition, if there is one, that a text was cut off, so that its place in the order is unknown."""
    attribute = order.entity is Entity.ATTRIBUTE
    if order.entity is Entity.METRIC or (
        attribute and order.key in ("end_time", "start_time", "run_id")
    ):
        return []
    return [f"coalesce(char_length({value}) >= {SHORT}, false)"]
