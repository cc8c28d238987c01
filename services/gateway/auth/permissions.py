"""What a caller needs for a route: abilities in the project, and a scope of the token.

GitLab counts every POST as a write, so that with ``read_api`` nobody can search; here it counts
whether something is changed.
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
    """Of the ``scopes`` the token must have one, of the abilities of each check the caller all.

    The checks are made in their order; each has the reason to refuse who fails it.
    """

    scopes: frozenset[str]
    checks: tuple[tuple[Abilities, Reason], ...]


def to_read(abilities: Abilities) -> Permission:
    """Return the need of a route that shows what these abilities let one see."""
    return Permission(READ_SCOPES, ((abilities, Reason.NO_READ),))


def to_write(read: Abilities, write: Abilities) -> Permission:
    """Return the need of a route that changes it."""
    return Permission(WRITE_SCOPES, ((read, Reason.NO_READ), (write, Reason.NO_WRITE)))


def to_create_package(write: Ability) -> Permission:
    """Return the need of a route that stores a package's file, in GitLab's order.

    ``lib/api/ml_model_packages.rb``: 404 to who may not read the registry, 403 to who may create no
    package, and 404 again to who may not write what the package is of.
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
    # Models' files and versions are those of runs, so that GitLab asks for both.
    "registry": _BOTH,
    "artifacts": _BOTH,
}

READ_ARTIFACTS = to_read(_BOTH[0])
WRITE_ARTIFACTS = to_write(*_BOTH)

READ_VERSION_PACKAGE = to_read(frozenset({Ability.READ_MODEL_REGISTRY}))
READ_RUN_PACKAGE = READ_ARTIFACTS
"""A run's files are of its experiment, also where GitLab's way to them begins at the registry."""
WRITE_VERSION_PACKAGE = to_create_package(Ability.WRITE_MODEL_REGISTRY)
WRITE_RUN_PACKAGE = to_create_package(Ability.WRITE_MODEL_EXPERIMENTS)


def required_permission(contract: type[Message]) -> Permission:
    """Return what a message needs: reading, and writing, too, if it changes something."""
    read, write = _OF_SERVICE[contract.service]
    return to_write(read, write) if contract.changes else to_read(read)
