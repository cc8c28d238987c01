"""The dialects of the registry, one module each."""

from services.registry.dialects.dialect import Dialect
from services.registry.dialects.gitlab import GitLab
from services.registry.dialects.mlflow import MLflow
from shared.postgres.transaction import Transaction

_MLFLOW = MLflow()
_GITLAB = GitLab()


def dialect_of(tx: Transaction) -> Dialect:
    """Return the dialect of the message that a transaction handles."""
    return _GITLAB if tx.envelope.dialect == "gitlab" else _MLFLOW
