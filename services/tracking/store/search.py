"""Conditions and checks that several searches of this service use, in addition to ``shared.mlflow.search``."""

from shared.contracts.errors import invalid
from shared.contracts.views import ViewType


def lifecycle(alias: str, view_type: ViewType) -> list[str]:
    """Return the conditions of a view type; ``alias`` is a table with a column `deleted`."""
    return {
        ViewType.ACTIVE_ONLY: [f"NOT {alias}.deleted"],
        ViewType.DELETED_ONLY: [f"{alias}.deleted"],
        ViewType.ALL: [],
    }[view_type]


def parse_experiment_id(value: str) -> int:
    """Read an experiment id, which is text on the wire.

    A negative number, or one beyond bigint, becomes -1, which no experiment has.
    Raises DomainError(INVALID_PARAMETER_VALUE) in MLflow's words.
    """
    try:
        number = int(value)
    except ValueError:
        raise invalid(
            f"Invalid experiment ID '{value}'. Experiment ID must be a valid integer."
        ) from None
    return number if 0 <= number < 2**63 else -1
