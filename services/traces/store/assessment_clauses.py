"""Conditions on the assessments of a trace, as SQL, and the sets that indexes lead to.

The rules are those of ``search_traces`` in MLflow's SQL store. Assessments that are overridden don't count. An
assessment of a whole session counts for all of the session's traces. A value is compared as JSON: ``'5.0'`` finds the
number, and ``'yes'`` the text, whose JSON has quotation marks. MLflow also compares the patterns of LIKE, ILIKE and
RLIKE with the JSON alone, so that ``LIKE 'y%'`` finds no text; here they are compared with the text as well.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from services.traces.store.scope import Scope
from services.traces.validation import SESSION
from shared.contracts.errors import invalid
from shared.mlflow.search.ast import Comparator, Comparison
from shared.mlflow.search.bounded import Clause
from shared.mlflow.search.candidates import (
    SHORT,
    Source,
    is_narrow,
    long_text_set,
    metric_set,
)
from shared.mlflow.search.sql import Bindings, compare_metric, compare_text, exists
from shared.mlflow.search.values import MEASURES

_OF_TRACE: Final = "f.project_id = t.project_id AND f.trace_id = t.trace_id"
_TEXT: Final = "CASE WHEN f.value LIKE '\"%' THEN substr(f.value, 2, char_length(f.value) - 2) END"
"""The text of a value that is one, as JSON escapes it."""

_WITHOUT_VALUE: Final = (Comparator.IS_NULL, Comparator.IS_NOT_NULL)


def check_issue(key: str) -> None:
    """Raise DomainError, in MLflow's words, unless issues are searched by this key."""
    if key != "id":
        message = f"Invalid issue attribute '{key}'. Supported attributes: id"
        raise invalid(message)


def issue_clause(scope: Scope, comparison: Comparison) -> Clause:
    """Return the condition that a trace refers to an issue. Overridden references count, too, as in MLflow."""

    def refers(bindings: Bindings) -> str:
        name = bindings.add(comparison.value, "text")
        return exists(f"assessments f WHERE {_OF_TRACE} AND f.kind = 'issue' AND f.name = {name}")

    def candidates(bindings: Bindings) -> str:
        name = bindings.add(comparison.value, "text")
        source = Source("assessments f", "f.trace_id", scope.on("f", bindings))
        return source.where("f.kind = 'issue'", f"f.name = {name}")

    return Clause(refers, candidates)


@dataclass(frozen=True, slots=True)
class AssessmentComparison:
    """A comparison of feedback or of expectations. The names of tables are ``f`` for assessments, ``l`` for labels."""

    scope: Scope
    comparison: Comparison

    @property
    def clause(self) -> Clause:
        """Return the condition and the set."""
        absent = self.comparison.comparator is Comparator.IS_NULL
        return Clause(
            self._is_assessed, None if absent else self._assessed, is_narrow(self.comparison)
        )

    def _is_assessed(self, bindings: Bindings) -> str:
        matching = self._named(bindings)
        if self.comparison.comparator not in _WITHOUT_VALUE:
            matching += f" AND ({self._compared(bindings)})"
        own = exists(f"assessments f WHERE {_OF_TRACE} AND {matching}")
        of_session = exists(
            "trace_labels l JOIN assessments f"
            f" ON {self.scope.on('f', bindings)} AND f.session = l.value AND {matching}"
            " WHERE l.project_id = t.project_id AND l.trace_id = t.trace_id"
            f" AND l.kind = 'metadata' AND l.key = '{SESSION}'"
        )
        found = f"({own} OR {of_session})"
        return f"NOT {found}" if self.comparison.comparator is Comparator.IS_NULL else found

    def _named(self, bindings: Bindings) -> str:
        name = bindings.add(self.comparison.key, "text")
        return f"f.valid AND f.kind = '{self.comparison.entity}' AND f.name = {name}"

    def _compared(self, bindings: Bindings) -> str:
        comparator, value = self.comparison.comparator, self.comparison.value
        if comparator in MEASURES:
            return compare_metric("f.number", comparator, value, bindings)
        compared = [
            compare_text("f.value", each.comparator, each.value, bindings)
            for each in self._alternatives
        ]
        if comparator is Comparator.RLIKE:
            compared.append(compare_text(_TEXT, comparator, value, bindings))
        return " OR ".join(compared)

    @property
    def _alternatives(self) -> Sequence[Comparison]:
        """The comparisons with the JSON of a value, of which one must hold."""
        comparator, text = self.comparison.comparator, str(self.comparison.value)
        if comparator in (Comparator.EQ, Comparator.NE):
            either = Comparator.IN if comparator is Comparator.EQ else Comparator.NOT_IN
            return (replace(self.comparison, comparator=either, value=(text, _quoted(text))),)
        if comparator in (Comparator.LIKE, Comparator.ILIKE):
            return (self.comparison, replace(self.comparison, value=_quoted(text)))
        return (self.comparison,)

    def _assessed(self, bindings: Bindings) -> str:
        """Return the traces that are assessed so, and those of sessions that are."""
        traces = self._found("f.trace_id", "f.scope = ANY('{session,trace}')", bindings)
        sessions = self._found("f.session", "f.scope = 'session'", bindings)
        in_scope = self.scope.on("l", bindings)
        return (
            f"{traces} UNION ALL SELECT l.trace_id FROM ({sessions}) s JOIN trace_labels l"
            f" ON {in_scope} AND l.kind = 'metadata' AND l.key = '{SESSION}'"
            f" AND l.value = s.session AND char_length(l.value) < {SHORT}"
        )

    def _found(self, column: str, assessed: str, bindings: Bindings) -> str:
        scope = f"{self.scope.on('f', bindings)} AND {self._named(bindings)} AND {assessed}"
        source = Source("assessments f", column, scope)
        comparator = self.comparison.comparator
        if comparator in MEASURES:
            return metric_set(source, "f.number", self.comparison, bindings)
        if comparator is Comparator.RLIKE:
            return _both_lengths(source, self._compared, bindings)
        return " UNION ALL ".join(
            long_text_set(source, "f.value", each, bindings) for each in self._alternatives
        )


def _quoted(text: str) -> str:
    """Return the JSON of a text, or the pattern of it."""
    return json.dumps(text, ensure_ascii=False)


def _both_lengths(source: Source, compared: Callable[[Bindings], str], bindings: Bindings) -> str:
    """Return the set of a comparison that no index knows: it is made with all short and all long values."""
    return " UNION ALL ".join(
        source.where(f"char_length(f.value) {sign} {SHORT}", f"({compared(bindings)})")
        for sign in ("<", ">=")
    )
