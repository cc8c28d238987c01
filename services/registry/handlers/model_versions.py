"""Model versions and their tags: MLflow's ``model-versions/*``."""

from collections.abc import Mapping
from uuid import UUID

from services.registry import semver
from services.registry.dialects import dialect_of
from services.registry.handlers.replies import version_reply
from services.registry.lineage import of_prompt
from services.registry.semver import SemVer
from services.registry.store import model_versions, registered_models
from services.registry.store.model_versions import FoundVersion, NewVersion
from services.registry.store.search_model_versions import search_model_version_keys
from services.registry.validation import (
    ACTIVE_STAGES,
    MAX_LINK_LENGTH,
    MAX_RUN_ID_LENGTH,
    SEMVER_TAG,
    check_model_name,
    check_tag,
    checked_tags,
    is_prompt,
    model_not_found,
    parse_stage,
    version_not_found,
)
from shared.contracts.errors import invalid, missing_resource
from shared.contracts.experiments import Empty
from shared.contracts.message import Message
from shared.contracts.model_versions import (
    CreateModelVersion,
    DeleteModelVersion,
    DeleteModelVersionTag,
    GetModelVersion,
    GetModelVersionDownloadUri,
    GetModelVersionDownloadUriReply,
    GetVersionById,
    SearchModelVersions,
    SetModelVersionTag,
    TransitionModelVersionStage,
    UpdateModelVersion,
)
from shared.contracts.registry_events import (
    ModelVersionCreated,
    ModelVersionDeleted,
    ModelVersionStageTransitioned,
    ModelVersionTagDeleted,
    ModelVersionTagSet,
    ModelVersionUpdated,
)
from shared.contracts.views import ModelStage
from shared.handling.handlers import Handler
from shared.mlflow.pages import page_json
from shared.mlflow.validation import check_length, check_name
from shared.postgres.transaction import Transaction


async def create_model_version(cmd: CreateModelVersion, tx: Transaction) -> bytes:
    """Create the next version of a model or of a prompt."""
    check_model_name(cmd.name)
    check_length("source", MAX_LINK_LENGTH, cmd.source)
    check_length("run_link", MAX_LINK_LENGTH, cmd.run_link or "")
    check_length("run_id", MAX_RUN_ID_LENGTH, cmd.run_id or "")
    check_length("model_id", MAX_RUN_ID_LENGTH, cmd.model_id or "")
    tags = checked_tags(cmd.tags)
    model_id = await registered_models.lock(tx, cmd.name)
    if model_id is None:
        raise model_not_found(cmd.name)
    dialect = dialect_of(tx)
    new = NewVersion(
        # First, because it may be refused: the lineage has tracking create a run, which would be left
        # behind (ADR 40).
        semver=await _semver(tx, model_id, tags),
        lineage=of_prompt(cmd) if is_prompt(tags) else await dialect.lineage(tx, model_id, cmd),
        run_link=cmd.run_link or "",
        description=cmd.description or "",
        user_id=tx.envelope.author or None,
        tags=tags,
    )
    created = await model_versions.create(tx, model_id, new)
    tx.emit(
        ModelVersionCreated(
            name=cmd.name,
            version=str(created.key[1]),
            display_version=dialect.display_version(created.id, created.key[1]),
            source=new.lineage.source,
            run_id=new.lineage.run_id,
            model_id=new.lineage.model_id,
            run_claim=new.lineage.run_claim,
        ),
        # Before the client is answered, tracking adds the version to a tag of the logged model.
        early=new.lineage.model_id is not None,
    )
    return await version_reply(tx, cmd.name, created.key)


async def _semver(tx: Transaction, model_id: UUID, tags: Mapping[str, str]) -> SemVer:
    """Return the semantic version for the next version of a locked model. Raises DomainError."""
    if SEMVER_TAG not in tags:
        highest = await model_versions.highest(tx, model_id)
        return semver.next_version(highest[1] if highest else None)
    wanted = semver.parse_or_refuse(tags[SEMVER_TAG])
    if await model_versions.find_by_id_or_semver(tx, model_id, None, str(wanted)) is not None:
        message = "Version has already been taken"
        raise invalid(message)
    return wanted


async def get_version_by_id(query: GetVersionById, tx: Transaction) -> bytes:
    """Read a version by its id, which is unique in the project."""
    key = await model_versions.find_by_id(tx, query.id)
    if key is None:
        raise missing_resource(f"Model Version (id={query.id}) not found")
    return await version_reply(tx, f"id {query.id}", key)


async def get_model_version(query: GetModelVersion, tx: Transaction) -> bytes:
    """Read one version."""
    found, number = await _find(tx, query.name, query.version)
    return await version_reply(tx, query.name, (found.registered_model_id, number))


async def update_model_version(cmd: UpdateModelVersion, tx: Transaction) -> bytes:
    """Replace the description of a version. An absent one removes it."""
    check_model_name(cmd.name)
    number = await dialect_of(tx).version_number(tx, cmd.name, cmd.version)
    key = await model_versions.update(tx, cmd.name, number, cmd.description)
    if key is None:
        raise version_not_found(cmd.name, cmd.version)
    tx.emit(ModelVersionUpdated(name=cmd.name, version=str(number)))
    return await version_reply(tx, cmd.name, key)


async def transition_stage(cmd: TransitionModelVersionStage, tx: Transaction) -> bytes:
    """Move a version to a stage. On request, move the other versions in that stage to Archived."""
    stage = parse_stage(cmd.stage)
    if cmd.archive_existing_versions and stage not in ACTIVE_STAGES:
        raise invalid(
            "Model version transition cannot archive existing model versions because "
            f"'{cmd.stage}' is not an Active stage. Valid stages are {ACTIVE_STAGES}"
        )
    model_id, number = await _lock(tx, cmd.name, cmd.version)
    key = await model_versions.transition(tx, model_id, number, stage)
    if key is None:
        raise version_not_found(cmd.name, cmd.version)
    moved = [(number, stage)]
    if cmd.archive_existing_versions:
        others = await model_versions.archive_others(tx, model_id, number, stage)
        moved += [(other, ModelStage.ARCHIVED) for other in others]
    for version, its_stage in moved:
        tx.emit(ModelVersionStageTransitioned(name=cmd.name, version=str(version), stage=its_stage))
    return await version_reply(tx, cmd.name, key)


async def delete_model_version(cmd: DeleteModelVersion, tx: Transaction) -> Empty:
    """Delete a version with its tags and aliases."""
    model_id, number = await _lock(tx, cmd.name, cmd.version)
    deleted = await model_versions.delete(tx, model_id, number)
    if deleted is None:
        raise version_not_found(cmd.name, cmd.version)
    event = ModelVersionDeleted(name=cmd.name, version=str(number), run_claim=deleted.run_claim)
    # Tracking deletes the version's run before the client is answered (ADR 40).
    tx.emit(event, early=deleted.run_claim is not None)
    return Empty()


async def search_model_versions(query: SearchModelVersions, tx: Transaction) -> bytes:
    """Read a page of versions."""
    number_column = dialect_of(tx).number_column
    page = await search_model_version_keys(tx.connection, tx.project, query, number_column)
    found = await model_versions.read_found(tx, page.items) if page.items else b""
    return page_json("model_versions", found, page.next_page_token)


async def get_model_version_download_uri(
    query: GetModelVersionDownloadUri, tx: Transaction
) -> GetModelVersionDownloadUriReply:
    """Return the location of a version's artifacts."""
    found, _ = await _find(tx, query.name, query.version)
    return GetModelVersionDownloadUriReply(artifact_uri=found.storage_location)


async def set_model_version_tag(cmd: SetModelVersionTag, tx: Transaction) -> Empty:
    """Set or overwrite a tag of a version."""
    check_model_name(cmd.name)
    number = await dialect_of(tx).version_number(tx, cmd.name, cmd.version)
    check_tag(cmd.key, cmd.value)
    if not await model_versions.set_tag(tx, cmd.name, number, cmd.key, cmd.value):
        raise version_not_found(cmd.name, cmd.version)
    tx.emit(ModelVersionTagSet(name=cmd.name, version=str(number), key=cmd.key))
    return Empty()


async def delete_model_version_tag(cmd: DeleteModelVersionTag, tx: Transaction) -> Empty:
    """Remove a tag of a version. A missing tag is no error."""
    check_name("key", cmd.key)
    found, number = await _find(tx, cmd.name, cmd.version)
    if await model_versions.delete_tag(tx, found.registered_model_id, number, cmd.key):
        tx.emit(ModelVersionTagDeleted(name=cmd.name, version=str(number), key=cmd.key))
    return Empty()


async def _find(tx: Transaction, name: str, version: str) -> tuple[FoundVersion, int]:
    """Return a version and its number. Raises DomainError if there is no such version."""
    check_model_name(name)
    number = await dialect_of(tx).version_number(tx, name, version)
    found = await model_versions.find(tx, name, number)
    if found is None:
        raise version_not_found(name, version)
    return found, number


async def _lock(tx: Transaction, name: str, version: str) -> tuple[UUID, int]:
    """Lock the model of a version; return the model's id and the version's number. Raises DomainError."""
    check_model_name(name)
    number = await dialect_of(tx).version_number(tx, name, version)
    model_id = await registered_models.lock(tx, name)
    if model_id is None:
        raise version_not_found(name, version)
    return model_id, number


HANDLERS: Mapping[type[Message], Handler[Transaction]] = {
    CreateModelVersion: create_model_version,
    GetModelVersion: get_model_version,
    GetVersionById: get_version_by_id,
    UpdateModelVersion: update_model_version,
    TransitionModelVersionStage: transition_stage,
    DeleteModelVersion: delete_model_version,
    SearchModelVersions: search_model_versions,
    GetModelVersionDownloadUri: get_model_version_download_uri,
    SetModelVersionTag: set_model_version_tag,
    DeleteModelVersionTag: delete_model_version_tag,
}
