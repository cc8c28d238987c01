"""What differs between the dialects in the registry, one module each."""

from services.registry.dialects import gitlab, mlflow
from services.registry.dialects.dialect import Dialect
from shared.database.transaction import Transaction


def dialect_of(tx: Transaction) -> Dialect:
    """Return the dialect that the caller of a message speaks."""
    return gitlab if tx.envelope.dialect == "gitlab" else mlflow
