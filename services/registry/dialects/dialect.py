"""The protocol of a dialect. Each other module of this package is one dialect.

SQL writes the JSON of versions for each dialect (the view ``model_version_forms``).
"""

from collections.abc import Sequence
from typing import ClassVar, Protocol
from uuid import UUID

from services.registry.store.model_versions import Lineage
from shared.contracts.model_versions import CreateModelVersion
from shared.postgres.transaction import Transaction


class Dialect(Protocol):
    """How clients name versions, which version a name means, and what a new version needs.

    A version has two numbers: ``number`` counts within its model, ``version_id`` is its id, which is
    unique in the project.
    """

    number_column: ClassVar[str]
    """The column of ``model_versions`` with the names that clients use."""

    async def version_number(self, tx: Transaction, name: str, version: str) -> int:
        """Return the number of the version that a client names. The version may be missing.

        Raises DomainError.
        """

    async def version_of_alias(self, tx: Transaction, model_id: UUID, alias: str) -> int | None:
        """Return the number of the version that an alias points to; None if there is none.

        Raises DomainError for an invalid alias.
        """

    def check_new_alias(self, alias: str) -> None:
        """Raise DomainError if an alias is invalid, or is reserved."""

    async def newest(self, tx: Transaction, model_id: UUID) -> int | None:
        """Return the number of the version that ``latest`` means; None if the model has no versions."""

    async def latest_versions(
        self, tx: Transaction, model_id: UUID, stages: Sequence[str]
    ) -> list[int]:
        """Return the numbers of the latest versions. Without ``stages`` every stage counts.

        Raises DomainError.
        """

    def display_version(self, version_id: int, number: int) -> str:
        """Return the name of a version for clients."""

    async def prepare_model(self, tx: Transaction, name: str) -> None:
        """Have other services create what a new model needs. The model's id is the command's.

        Raises DomainError.
        """

    async def lineage(self, tx: Transaction, model_id: UUID, cmd: CreateModelVersion) -> Lineage:
        """Return where the next version of a locked model comes from. Raises DomainError."""
