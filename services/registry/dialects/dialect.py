"""What a dialect decides; each module beside this one holds one.

How versions look on the wire is decided in SQL (``model_version_forms``), by the name of the dialect.
"""

from collections.abc import Sequence
from typing import ClassVar, Protocol
from uuid import UUID

from services.registry.store.model_versions import Lineage
from shared.contracts.model_versions import CreateModelVersion
from shared.postgres.transaction import Transaction


class Dialect(Protocol):
    """How clients name versions, which of them they mean, and what else a new one needs."""

    number_column: ClassVar[str]
    """Of ``model_versions``: holds what clients call versions."""

    async def version_number(self, tx: Transaction, name: str, version: str) -> int:
        """Return the number of the version that a client calls so; it may be missing by now.

        Raises DomainError.
        """

    async def version_of_alias(self, tx: Transaction, model_id: UUID, alias: str) -> int | None:
        """Return the number of the version that an alias points to. Raises DomainError."""

    def check_new_alias(self, alias: str) -> None:
        """Raise DomainError if an alias means a version by itself, or can't be one."""

    async def newest(self, tx: Transaction, model_id: UUID) -> int | None:
        """Return the number of the version that ``latest`` means; None if there are no versions."""

    async def latest_versions(
        self, tx: Transaction, model_id: UUID, stages: Sequence[str]
    ) -> list[int]:
        """Return the numbers of the latest versions, of the stages if any are named.

        Raises DomainError.
        """

    def called(self, own_number: int, number: int) -> str:
        """Return what a client calls a version of a model."""

    async def before_model(self, tx: Transaction, name: str) -> None:
        """Have done elsewhere what a new model, whose id is the command's, needs.

        Raises DomainError.
        """

    async def lineage(self, tx: Transaction, model_id: UUID, cmd: CreateModelVersion) -> Lineage:
        """Settle where the next version of a locked model comes from. Raises DomainError."""
