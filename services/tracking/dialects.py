"""What differs between the dialects in tracking: how a run is called, and whose it is.

Everything else is MLflow's in both: GitLab refuses to write a tag twice, a param again, NaN… which
its clients do not expect, and neither should anybody.
"""

from services.tracking import names
from shared.postgres.transaction import Transaction


def run_name(tx: Transaction, asked: str | None) -> str:
    """Return the name of a new run, whose id is the command's."""
    if tx.envelope.dialect == "gitlab":
        return asked if asked and asked.strip() else names.nickname(tx.envelope.id)
    return asked or names.run_name(tx.envelope.id)


def run_user(tx: Transaction, asked: str) -> str:
    """Return whose a new run is: in GitLab's dialect the caller's, whatever the client says."""
    caller = tx.envelope.author if tx.envelope.dialect == "gitlab" else ""
    return caller or asked
