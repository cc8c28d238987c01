"""Converts parameters whose types differ between GitLab and MLflow's protobuf.

In GitLab ``order_by`` is one text with GitLab's columns, and ``experiment_id`` and ``version`` are numbers
(``lib/api/ml/mlflow/*.rb``). MLflow clients send MLflow's types; users with curl send GitLab's types. Both are
accepted.
"""

from collections.abc import Mapping
from typing import Any

from services.gateway.http.fields import QueryFields
from shared.contracts.experiments import SearchExperiments
from shared.contracts.message import Message
from shared.contracts.runs import SearchRuns

Fields = dict[str, Any]

_TEXTS = {"experiment_id", "experimentId", "version"}
_LISTS = {"order_by", "orderBy", "experiment_ids", "experimentIds"}

_COLUMNS: Mapping[type[Message], Mapping[str, str]] = {
    SearchRuns: {"created_at": "start_time", "id": "start_time", "name": "run_name"},
    SearchExperiments: {
        "created_at": "creation_time",
        "id": "creation_time",
        "updated_at": "last_update_time",
        "last_updated_timestamp": "last_update_time",
    },
}
"""MLflow's names of GitLab's ``order_by`` columns (``app/finders/projects/ml/*_finder.rb``)."""

_DIRECTIONS: Mapping[type[Message], str] = {SearchRuns: "DESC"}
"""GitLab's default sort direction, where it is not ascending."""


class GitLabTypes:
    """Converts GitLab's types into the types of one contract. ``used`` is false if the contract has no such field."""

    def __init__(self, contract: type[Message], known: QueryFields) -> None:
        self._texts = known.scalars & _TEXTS
        self._lists = known.lists & _LISTS
        self._columns = _COLUMNS.get(contract, {})
        self._direction = _DIRECTIONS.get(contract, "ASC")
        self.used = bool(self._texts or self._lists)

    def adapt(self, fields: Fields) -> Fields:
        """Return the fields as MLflow clients send them."""
        for name in self._texts & fields.keys():
            fields[name] = _text(fields[name])
        for name in self._lists & fields.keys():
            fields[name] = self._list(fields[name])
        return fields

    def _list(self, value: object) -> object:
        if isinstance(value, str):
            return [self._clause(value)] if value else []
        return [_text(item) for item in value] if isinstance(value, list) else value

    def _clause(self, text: str) -> str:
        """Translate a clause such as ``created_at DESC``. Without a GitLab column it is MLflow's grammar already."""
        column, *direction = text.split() or [""]
        translated = self._columns.get(column.lower())
        return (
            text
            if translated is None
            else " ".join((translated, *(direction or [self._direction])))
        )


def _text(value: object) -> object:
    """Return a number as text, and any other value unchanged: the contract checks it."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if is_number else value
