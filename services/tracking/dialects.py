"""The differences between the dialects in tracking: the name and the user of a new run.

All else follows MLflow in both. GitLab refuses to set a tag twice, to log a param again, NaN and
more; MLflow's clients do not expect that.
"""

from services.tracking import names
from shared.postgres.transaction import Transaction


def run_name(tx: Transaction, asked: str | None) -> str:
    """Return the name of a new run. A generated name is derived from the run's id, which is the command's."""
    if tx.envelope.dialect == "gitlab":
        return asked if asked and asked.strip() else names.nickname(tx.envelope.id)
    return asked or names.run_name(tx.envelope.id)


def run_user(tx: Transaction, asked: str) -> str:
    """Return the user of a new run. In GitLab's dialect it is the caller, whatever the client sends."""
    caller = tx.envelope.author if tx.envelope.dialect == "gitlab" else ""
    return caller or asked
