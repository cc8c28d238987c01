"""The size of a page: `max_results`."""

from shared.contracts.errors import invalid

DEFAULT = 1000
THRESHOLD = 50_000


def check_max_results(value: int | None, default: int = DEFAULT, threshold: int = THRESHOLD) -> int:
    """Return the page size; the default if it is unset.

    Raises DomainError(INVALID_PARAMETER_VALUE) in the words of MLflow's
    `_validate_max_results_param`.
    """
    if value is None:
        return default
    refused = f"Invalid value {value} for parameter 'max_results' supplied. It must be"
    if value < 1:
        raise invalid(f"{refused} a positive integer", "max_results")
    if value > threshold:
        raise invalid(f"{refused} at most {threshold}", "max_results")
    return value
