"""MLflow's dialect: clients name a version by its number within the model."""

from collections.abc import Sequence
from typing import ClassVar
from uuid import UUID

from services.registry.lineage import of_model
from services.registry.store import model_aliases, registered_models
from services.registry.store.model_versions import Lineage
from services.registry.validation import (
    check_alias,
    check_alias_is_free,
    parse_stage,
    parse_version,
)
from shared.contracts.model_versions import CreateModelVersion
from shared.contracts.validation import missing_value
from shared.contracts.views import ModelStage
from shared.postgres.transaction import Transaction


class MLflow:
    """MLflow's dialect."""

    number_column: ClassVar[str] = "version"

    async def version_number(self, _tx: Transaction, _name: str, version: str) -> int:
        """Parse the number. The version may not exist."""
        return parse_version(version)

    async def version_of_alias(self, tx: Transaction, model_id: UUID, alias: str) -> int | None:
        """Find the version that an alias points to."""
        check_alias(alias)
        return await model_aliases.find(tx, model_id, alias)

    def check_new_alias(self, alias: str) -> None:
        """Refuse invalid aliases, ``latest``, and numbers of versions such as ``v1``."""
        check_alias(alias)
        check_alias_is_free(alias)

    async def newest(self, tx: Transaction, model_id: UUID) -> int | None:
        """Return the highest number."""
        return await model_aliases.newest(tx, model_id)

    async def latest_versions(
        self, tx: Transaction, model_id: UUID, stages: Sequence[str]
    ) -> list[int]:
        """Return the newest version of each given stage; of every stage if none is given."""
        wanted = {parse_stage(stage) for stage in stages} or set(ModelStage)
        return await registered_models.latest_versions(tx, model_id, list(wanted))

    def display_version(self, _version_id: int, number: int) -> str:
        """Return the number."""
        return str(number)

    async def prepare_model(self, _tx: Transaction, _name: str) -> None:
        """Do nothing: MLflow's models have no experiments."""

    async def lineage(self, tx: Transaction, _model_id: UUID, cmd: CreateModelVersion) -> Lineage:
        """Follow the source. Raises DomainError if it is empty."""
        if not cmd.source:
            raise missing_value("source")
        return await of_model(cmd, tx, self)
