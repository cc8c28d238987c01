"""The dialects of tracking, one class each. They differ in the name and the user of a new run.

All else follows MLflow in both. GitLab refuses to set a tag twice, to log a param again, NaN and
more; MLflow's clients do not expect that.
"""

from typing import Protocol

from services.tracking import names
from shared.postgres.transaction import Transaction


class Dialect(Protocol):
    """The name and the user of a new run. ``runs.sql`` reads runs for each dialect."""

    def run_name(self, tx: Transaction, requested: str | None) -> str:
        """Return the name of a new run. A generated name is derived from the run's id, which is the command's."""

    def run_user(self, tx: Transaction, requested: str) -> str:
        """Return the user of a new run."""


class MLflow:
    """MLflow's dialect."""

    def run_name(self, tx: Transaction, requested: str | None) -> str:
        """Return the requested name, or a generated one."""
        return requested or names.mlflow_name(tx.envelope.id)

    def run_user(self, _tx: Transaction, requested: str) -> str:
        """Return the user that the client sends."""
        return requested


class GitLab:
    """GitLab's dialect."""

    def run_name(self, tx: Transaction, requested: str | None) -> str:
        """Return the requested name, or a generated one if it is blank."""
        if requested and requested.strip():
            return requested
        return names.gitlab_name(tx.envelope.id)

    def run_user(self, tx: Transaction, requested: str) -> str:
        """Return the caller, whatever the client sends. An anonymous caller may name a user."""
        return tx.envelope.author or requested


_MLFLOW = MLflow()
_GITLAB = GitLab()


def dialect_of(tx: Transaction) -> Dialect:
    """Return the dialect of the message that a transaction handles."""
    return _GITLAB if tx.envelope.dialect == "gitlab" else _MLFLOW
