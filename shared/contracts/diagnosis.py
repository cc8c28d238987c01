"""What a service says of itself to an operator (``warren doctor``)."""

from pydantic import Field

from shared.contracts.message import Query, Wire


class Diagnose(Query):
    """Ask a service for its diagnosis; each answers it, so whose it is stands in the envelope's queue."""


class Diagnosis(Wire):
    """``clocks`` in Unix milliseconds: that of the process, and those of what it depends on.

    ``schema`` has the newest applied and the newest known migration of each component.
    """

    clocks: dict[str, int]
    schema_versions: dict[str, tuple[int, int]] = Field(default_factory=dict)
