"""Model versions and their tags, and whole versions as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.registry.semver import SemVer
from shared.contracts.views import ModelStage
from shared.postgres.queries import load_queries
from shared.postgres.transaction import Transaction
from shared.runtime.clock import now

SQL = load_queries("services.registry.sql", "model_versions")

VersionKey = tuple[UUID, int]
"""The id of the registered model, and the number of the version."""


@dataclass(frozen=True, slots=True)
class Lineage:
    """Where a version comes from.

    ``storage_location`` is where its artifacts are. Unlike ``source``, it is never a ``models:/`` URI.
    ``run_claim`` identifies the version in tracking if the run is its own; otherwise it is None.
    """

    source: str
    storage_location: str
    run_id: str
    model_id: str | None
    run_claim: UUID | None = None


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A version that is about to be inserted."""

    lineage: Lineage
    run_link: str
    description: str
    user_id: str | None
    tags: Mapping[str, str]
    semver: SemVer


@dataclass(frozen=True, slots=True)
class CreatedVersion:
    """A version that was inserted; ``id`` is unique in the project."""

    key: VersionKey
    id: int


@dataclass(frozen=True, slots=True)
class DeletedVersion:
    """A deleted version; ``run_claim`` is as in ``Lineage``."""

    run_claim: UUID | None


@dataclass(frozen=True, slots=True)
class FoundVersion:
    """An existing version; ``id`` is unique in the project."""

    registered_model_id: UUID
    storage_location: str
    run_id: str
    model_id: str | None
    id: int


async def create(tx: Transaction, model_id: UUID, new: NewVersion) -> CreatedVersion:
    """Insert a version of a locked model, under the model's next number."""
    lineage = new.lineage
    row = await tx.row(
        SQL["create_model_version"],
        tx.project,
        model_id,
        now(),
        new.user_id,
        new.description,
        lineage.source,
        lineage.storage_location,
        lineage.run_id,
        new.run_link,
        lineage.model_id,
        list(new.tags),
        list(new.tags.values()),
        str(new.semver),
        new.semver.key,
        lineage.run_claim,
    )
    if row is None:
        message = "The caller has locked the model."
        raise RuntimeError(message)
    return CreatedVersion((model_id, row["version"]), row["id"])


async def highest(
    tx: Transaction, model_id: UUID, stage: ModelStage | None = None
) -> tuple[int, str] | None:
    """Return number and semantic version of the version with the highest semantic version.

    With a stage, only versions in that stage count.
    """
    row = await tx.row(SQL["highest_version"], tx.project, model_id, stage)
    return (row["version"], row["semver"]) if row else None


async def are_staged(tx: Transaction, model_id: UUID) -> bool:
    """Tell whether any version of a model is in another stage than None."""
    others = [stage for stage in ModelStage if stage is not ModelStage.NONE]
    staged: bool = await tx.value(SQL["are_staged"], tx.project, model_id, others)
    return staged


async def find_by_id_or_semver(
    tx: Transaction, model_id: UUID, version_id: int | None, semver: str
) -> int | None:
    """Return the number of the version that has an id (``version_id``) or a semantic version."""
    version: int | None = await tx.value(
        SQL["find_version_by_id_or_semver"], tx.project, model_id, version_id, semver
    )
    return version


async def find_by_id(tx: Transaction, version_id: int) -> VersionKey | None:
    """Return the key of the version with an id."""
    row = await tx.row(SQL["find_version_by_id"], tx.project, version_id)
    return (row["registered_model_id"], row["version"]) if row else None


async def find(tx: Transaction, name: str, version: int) -> FoundVersion | None:
    """Find a version by its model's name and its number."""
    row = await tx.row(SQL["find_model_version"], tx.project, name, version)
    return FoundVersion(*row) if row else None


async def update(
    tx: Transaction, name: str, version: int, description: str | None
) -> VersionKey | None:
    """Replace the description; None if there is no such version."""
    row = await tx.row(SQL["update_model_version"], tx.project, name, version, description, now())
    return (row["registered_model_id"], version) if row else None


async def transition(
    tx: Transaction, model_id: UUID, version: int, stage: ModelStage
) -> VersionKey | None:
    """Move a version of a locked model to a stage; None if there is no such version."""
    row = await tx.row(SQL["transition_stage"], tx.project, model_id, version, stage, now())
    return (model_id, version) if row else None


async def archive_others(
    tx: Transaction, model_id: UUID, version: int, stage: ModelStage
) -> list[int]:
    """Move all versions in a stage to Archived except ``version``; return their numbers."""
    rows = await tx.rows(SQL["archive_others"], tx.project, model_id, version, stage, now())
    return [row["version"] for row in rows]


async def has_run(tx: Transaction, run_id: str) -> bool:
    """Tell whether any version has the run."""
    found: bool = await tx.value(SQL["run_has_version"], tx.project, run_id)
    return found


async def delete(tx: Transaction, model_id: UUID, version: int) -> DeletedVersion | None:
    """Delete a version of a locked model with its tags and aliases; None if there is no such version."""
    row = await tx.row(SQL["delete_model_version"], tx.project, model_id, version, now())
    return DeletedVersion(row["run_claim"]) if row else None


async def set_tag(tx: Transaction, name: str, version: int, key: str, value: str) -> bool:
    """Set or overwrite a tag; False if there is no such version."""
    row = await tx.row(SQL["set_model_version_tag"], tx.project, name, version, key, value)
    return row is not None


async def delete_tag(tx: Transaction, model_id: UUID, version: int, key: str) -> bool:
    """Remove a tag; False if there is no such tag."""
    row = await tx.row(SQL["delete_model_version_tag"], tx.project, model_id, version, key)
    return row is not None


async def read(tx: Transaction, keys: Sequence[VersionKey]) -> bytes:
    """Return whole versions as the dialect's JSON objects, comma-separated, in the order of the keys."""
    return await _read(tx, "read_model_versions", keys)


async def read_found(tx: Transaction, keys: Sequence[VersionKey]) -> bytes:
    """As ``read``, but for searches: in MLflow's dialect their replies have no aliases."""
    return await _read(tx, "read_found_model_versions", keys)


async def _read(tx: Transaction, query: str, keys: Sequence[VersionKey]) -> bytes:
    text: bytes = await tx.value(
        SQL[query],
        tx.project,
        [model_id for model_id, _ in keys],
        [version for _, version in keys],
        tx.envelope.dialect,
    )
    return text
