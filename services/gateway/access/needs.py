"""What a caller needs for a route: abilities in the project, and a scope of the token.

GitLab counts every POST as a write, so that with ``read_api`` nobody can search; here it counts
whether something is changed.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.contracts.access import Ability
from shared.contracts.message import Message

READ_SCOPES = frozenset({"api", "read_api"})
WRITE_SCOPES = frozenset({"api"})


@dataclass(frozen=True, slots=True)
class Need:
    """``read`` abilities make a project's part visible, ``write`` ones let it be changed, too."""

    read: frozenset[Ability]
    write: frozenset[Ability] = frozenset()

    @property
    def scopes(self) -> frozenset[str]:
        """Of these scopes the token must have one."""
        return WRITE_SCOPES if self.write else READ_SCOPES


_EXPERIMENTS = (
    frozenset({Ability.READ_MODEL_EXPERIMENTS}),
    frozenset({Ability.WRITE_MODEL_EXPERIMENTS}),
)
_BOTH = (
    frozenset({Ability.READ_MODEL_EXPERIMENTS, Ability.READ_MODEL_REGISTRY}),
    frozenset({Ability.WRITE_MODEL_EXPERIMENTS, Ability.WRITE_MODEL_REGISTRY}),
)

_OF_SERVICE: Mapping[str, tuple[frozenset[Ability], frozenset[Ability]]] = {
    "tracking": _EXPERIMENTS,
    # Models' files and versions are those of runs, so that GitLab asks for both.
    "registry": _BOTH,
    "artifacts": _BOTH,
}

READ_ARTIFACTS = Need(_BOTH[0])
WRITE_ARTIFACTS = Need(*_BOTH)


def need_of(contract: type[Message]) -> Need:
    """Return what a message needs: reading, and writing, too, if it changes something."""
    read, write = _OF_SERVICE[contract.service]
    return Need(read, write) if contract.changes else Need(read)
