"""Registered models and their tags: MLflow's ``registered-models/*``, except aliases."""

from collections.abc import Mapping
from uuid import UUID

from services.registry.dialects import dialect_of
from services.registry.store import model_versions, registered_models
from services.registry.store.search_registered_models import search_registered_model_ids
from services.registry.validation import (
    PROMPT_TAG,
    check_model_name,
    check_tag,
    checked_tags,
    is_prompt,
    model_not_found,
)
from shared.contracts.errors import DomainError, already_exists
from shared.contracts.experiments import Empty
from shared.contracts.message import Message
from shared.contracts.model_experiments import RenameModelExperiment
from shared.contracts.registered_models import (
    CreateRegisteredModel,
    DeleteRegisteredModel,
    DeleteRegisteredModelTag,
    GetLatestVersions,
    GetRegisteredModel,
    RenameRegisteredModel,
    SearchRegisteredModels,
    SetRegisteredModelTag,
    UpdateRegisteredModel,
)
from shared.contracts.registry_events import (
    RegisteredModelCreated,
    RegisteredModelDeleted,
    RegisteredModelRenamed,
    RegisteredModelTagDeleted,
    RegisteredModelTagSet,
    RegisteredModelUpdated,
)
from shared.handling.handlers import Handler
from shared.mlflow.pages import page_json
from shared.mlflow.validation import check_name
from shared.postgres.transaction import Transaction


async def create_registered_model(cmd: CreateRegisteredModel, tx: Transaction) -> bytes:
    """Create a model without versions, or a prompt."""
    check_model_name(cmd.name)
    tags = checked_tags(cmd.tags)
    # All reasons for a refusal are checked under this lock, before tracking does its part. So a refused
    # model leaves no experiment behind (ADR 40).
    await registered_models.lock_name(tx, cmd.name)
    if await registered_models.find(tx, cmd.name) is not None:
        raise await _name_taken(tx, cmd.name, is_prompt=PROMPT_TAG in tags)
    if not is_prompt(tags):
        await dialect_of(tx).prepare_model(tx, cmd.name)
    if not await registered_models.create(tx, cmd.name, cmd.description or "", tags):
        raise await _name_taken(tx, cmd.name, is_prompt=PROMPT_TAG in tags)
    tx.emit(RegisteredModelCreated(name=cmd.name))
    return await _reply(tx, tx.envelope.id, cmd.name)


async def _name_taken(tx: Transaction, name: str, *, is_prompt: bool) -> DomainError:
    """Return the error for a taken name. Models and prompts share the names, so it says which has it."""
    owner = await registered_models.find(tx, name)
    taken_by = "Prompt" if owner and owner.prompt is not None else "Registered Model"
    wanted = "Prompt" if is_prompt else "Registered Model"
    if taken_by == wanted:
        return already_exists(f"{wanted} (name={name}) already exists.")
    return already_exists(
        f"Tried to create a {wanted.lower()} with name {name!r}, but the name is already taken by "
        f"a {taken_by.lower()}. MLflow does not allow creating a model and a prompt with the same "
        "name."
    )


async def get_registered_model(query: GetRegisteredModel, tx: Transaction) -> bytes:
    """Read one model or prompt."""
    return await _reply(tx, await find_model(tx, query.name), query.name)


async def rename_registered_model(cmd: RenameRegisteredModel, tx: Transaction) -> bytes:
    """Rename a model, and so its versions."""
    check_model_name(cmd.new_name, "new_name")
    check_model_name(cmd.name)
    model_id = await registered_models.lock(tx, cmd.name)
    if model_id is None:
        raise model_not_found(cmd.name)
    taken = already_exists(f"Registered Model (name={cmd.new_name}) already exists.")
    # The order is as in create_registered_model: lock and check, then tracking, then the model's row.
    await registered_models.lock_name(tx, cmd.new_name)
    owner = await registered_models.find(tx, cmd.new_name)
    if owner is not None and owner.registered_model_id != model_id:
        raise taken
    await tx.send_command(
        RenameModelExperiment(registered_model_id=model_id, new_name=cmd.new_name)
    )
    if not await registered_models.rename(tx, model_id, cmd.new_name):
        raise taken
    tx.emit(RegisteredModelRenamed(name=cmd.name, new_name=cmd.new_name))
    return await _reply(tx, model_id, cmd.new_name)


async def update_registered_model(cmd: UpdateRegisteredModel, tx: Transaction) -> bytes:
    """Replace the description. An absent one becomes empty."""
    check_model_name(cmd.name)
    model_id = await registered_models.update(tx, cmd.name, cmd.description or "")
    if model_id is None:
        raise model_not_found(cmd.name)
    tx.emit(RegisteredModelUpdated(name=cmd.name))
    return await _reply(tx, model_id, cmd.name)


async def delete_registered_model(cmd: DeleteRegisteredModel, tx: Transaction) -> Empty:
    """Delete a model with its versions, tags and aliases."""
    check_model_name(cmd.name)
    model_id = await registered_models.delete(tx, cmd.name)
    if model_id is None:
        raise model_not_found(cmd.name)
    deleted = RegisteredModelDeleted(name=cmd.name, registered_model_id=model_id)
    # Tracking deletes the model's experiment before the client is answered (ADR 40).
    tx.emit(deleted, early=True)
    return Empty()


async def search_registered_models(query: SearchRegisteredModels, tx: Transaction) -> bytes:
    """Read a page of models."""
    page = await search_registered_model_ids(tx.connection, tx.project, query)
    found = await registered_models.read(tx, page.items) if page.items else b""
    return page_json("registered_models", found, page.next_page_token)


async def get_latest_versions(query: GetLatestVersions, tx: Transaction) -> bytes:
    """Read the newest version of each given stage; of every stage if none is given."""
    model_id = await find_model(tx, query.name)
    numbers = await dialect_of(tx).latest_versions(tx, model_id, query.stages)
    found = await model_versions.read(tx, [(model_id, number) for number in numbers])
    return page_json("model_versions", found, None)


async def set_registered_model_tag(cmd: SetRegisteredModelTag, tx: Transaction) -> Empty:
    """Set or overwrite a tag of a model."""
    check_model_name(cmd.name)
    check_tag(cmd.key, cmd.value)
    if await registered_models.set_tag(tx, cmd.name, cmd.key, cmd.value) is None:
        raise model_not_found(cmd.name)
    tx.emit(RegisteredModelTagSet(name=cmd.name, key=cmd.key))
    return Empty()


async def delete_registered_model_tag(cmd: DeleteRegisteredModelTag, tx: Transaction) -> Empty:
    """Remove a tag of a model. A missing tag is no error."""
    check_model_name(cmd.name)
    check_name("key", cmd.key)
    model_id = await find_model(tx, cmd.name)
    if await registered_models.delete_tag(tx, model_id, cmd.key):
        tx.emit(RegisteredModelTagDeleted(name=cmd.name, key=cmd.key))
    return Empty()


async def find_model(tx: Transaction, name: str) -> UUID:
    """Return the id of a model. Raises DomainError if the name is invalid or there is no such model."""
    check_model_name(name)
    found = await registered_models.find(tx, name)
    if found is None:
        raise model_not_found(name)
    return found.registered_model_id


async def _reply(tx: Transaction, model_id: UUID, name: str) -> bytes:
    """Return the reply with one model. Raises DomainError if the model was deleted meanwhile."""
    model = await registered_models.read(tx, [model_id])
    if not model:
        raise model_not_found(name)
    return b'{"registered_model":%b}' % model


HANDLERS: Mapping[type[Message], Handler[Transaction]] = {
    CreateRegisteredModel: create_registered_model,
    GetRegisteredModel: get_registered_model,
    RenameRegisteredModel: rename_registered_model,
    UpdateRegisteredModel: update_registered_model,
    DeleteRegisteredModel: delete_registered_model,
    SearchRegisteredModels: search_registered_models,
    GetLatestVersions: get_latest_versions,
    SetRegisteredModelTag: set_registered_model_tag,
    DeleteRegisteredModelTag: delete_registered_model_tag,
}
