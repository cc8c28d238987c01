"""The permission that a route requires: abilities in the project, and a scope of the token.

In GitLab every POST is a write, so a token with ``read_api`` can't search. Here only messages that change
something are writes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from services.gateway.auth.refusals import Reason
from shared.contracts.access import Ability
from shared.contracts.message import Message

READ_SCOPES = frozenset({"api", "read_api"})
WRITE_SCOPES = frozenset({"api"})

Abilities = frozenset[Ability]


@dataclass(frozen=True, slots=True)
class Permission:
    """The requirement of a route. The token needs one of the ``scopes``, and the caller all abilities of each check.

    The checks are made in order. Each has the reason with which the caller is refused.
    """

    scopes: frozenset[str]
    checks: tuple[tuple[Abilities, Reason], ...]


def to_read(abilities: Abilities) -> Permission:
    """Return the permission of a route that reads."""
    return Permission(READ_SCOPES, ((abilities, Reason.NO_READ),))


def to_write(read: Abilities, write: Abilities) -> Permission:
    """Return the permission of a route that changes something. The right to read is checked first."""
    return Permission(WRITE_SCOPES, ((read, Reason.NO_READ), (write, Reason.NO_WRITE)))


def to_create_package(write: Ability) -> Permission:
    """Return the permission of a route that stores a package's file, with GitLab's order of checks.

    ``lib/api/ml_model_packages.rb`` answers 404 without read access to the registry, 403 without the right to
    create packages, and 404 again without write access to the package's owner.
    """
    return Permission(
        WRITE_SCOPES,
        (
            (frozenset({Ability.READ_MODEL_REGISTRY}), Reason.NO_READ),
            (frozenset({Ability.CREATE_PACKAGE}), Reason.NO_PACKAGE),
            (frozenset({write}), Reason.NO_READ),
        ),
    )


_EXPERIMENTS = (
    frozenset({Ability.READ_MODEL_EXPERIMENTS}),
    frozenset({Ability.WRITE_MODEL_EXPERIMENTS}),
)
_BOTH = (
    frozenset({Ability.READ_MODEL_EXPERIMENTS, Ability.READ_MODEL_REGISTRY}),
    frozenset({Ability.WRITE_MODEL_EXPERIMENTS, Ability.WRITE_MODEL_REGISTRY}),
)

_OF_SERVICE: Mapping[str, tuple[Abilities, Abilities]] = {
    "tracking": _EXPERIMENTS,
    "traces": _EXPERIMENTS,
    # Files and versions of models belong to runs, so GitLab requires both.
    "registry": _BOTH,
    "artifacts": _BOTH,
}

READ_ARTIFACTS = to_read(_BOTH[0])
WRITE_ARTIFACTS = to_write(*_BOTH)

READ_VERSION_PACKAGE = to_read(frozenset({Ability.READ_MODEL_REGISTRY}))
READ_RUN_PACKAGE = READ_ARTIFACTS
"""A run's files belong to its experiment, although GitLab serves them under the registry's paths."""
WRITE_VERSION_PACKAGE = to_create_package(Ability.WRITE_MODEL_REGISTRY)
WRITE_RUN_PACKAGE = to_create_package(Ability.WRITE_MODEL_EXPERIMENTS)


def required_permission(contract: type[Message]) -> Permission:
    """Return the permission that a message requires: to read, and also to write if it changes something."""
    read, write = _OF_SERVICE[contract.service]
    return to_write(read, write) if contract.changes else to_read(read)
