"""The state that a service reports to an operator (``warren doctor``)."""

from pydantic import Field

from shared.contracts.message import Query, Wire


class Diagnose(Query):
    """Ask a service for its diagnosis. Every service answers it, so the message has no ``service`` of its own."""


class ReplicaState(Wire):
    """``state`` is ``ready``, or why no queries are sent there. ``lag`` is in bytes, None if it is unknown."""

    state: str
    lag: int | None = None


class Diagnosis(Wire):
    """``clocks`` holds the times of the process and of its servers, in Unix milliseconds.

    ``schema_versions`` has the newest applied and the newest known migration of each component.
    ``replicas`` has the read replicas of the process that answers, by address.
    """

    clocks: dict[str, int]
    schema_versions: dict[str, tuple[int, int]] = Field(default_factory=dict)
    replicas: dict[str, ReplicaState] = Field(default_factory=dict)
