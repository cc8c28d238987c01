"""Logged models: MLflow's ``logged-models/*``. The module ``log`` writes their metrics.

As in MLflow, a deleted model can still be changed. It is only hidden from reads and searches.
"""

import json
from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json

from services.tracking.handlers.experiments import not_active, not_found
from services.tracking.names import mlflow_name
from services.tracking.store import experiments
from services.tracking.store import logged_models as models
from services.tracking.store.logged_models import NewModel
from services.tracking.store.search import parse_experiment_id
from services.tracking.store.search_logged_models import search_model_ids
from services.tracking.validation import check_unique_params
from shared.contracts.errors import invalid, missing_resource
from shared.contracts.events import LoggedModelDeleted
from shared.contracts.experiments import Empty
from shared.contracts.logged_models import (
    CreateLoggedModel,
    DeleteLoggedModel,
    DeleteLoggedModelTag,
    FinalizeLoggedModel,
    GetLoggedModel,
    LogLoggedModelParams,
    SearchLoggedModels,
    SetLoggedModelTags,
)
from shared.contracts.message import Message
from shared.contracts.registry_events import ModelVersionCreated
from shared.handling.handlers import Handler
from shared.mlflow.artifact_paths import below
from shared.mlflow.pages import page_json
from shared.mlflow.validation import check_length
from shared.postgres.transaction import Transaction

MODEL_VERSIONS = "mlflow.modelVersions"
MAX_NAME_LENGTH = 500
MAX_TYPE_LENGTH = 500
MAX_SOURCE_RUN_LENGTH = 32
MAX_KEY_LENGTH = 255
BAD_CHARACTERS = ("/", ":", ".", "%", '"', "'")


async def create_logged_model(cmd: CreateLoggedModel, tx: Transaction) -> bytes:
    """Create a model in an active experiment. Its id is derived from the command's."""
    _check_new(cmd)
    experiment_id = parse_experiment_id(cmd.experiment_id)
    found = await experiments.location(tx, experiment_id)
    if found is None:
        raise not_found(cmd.experiment_id)
    location, deleted = found
    if deleted:
        raise not_active(experiment_id)
    model_id = f"m-{tx.envelope.id.hex}"
    model = NewModel(
        model_id=model_id,
        experiment_id=experiment_id,
        name=cmd.name or mlflow_name(tx.envelope.id),
        artifact_uri=below(location, "models", model_id, "artifacts"),
        model_type=cmd.model_type,
        source_run_id=cmd.source_run_id,
        params={param.key: param.value for param in cmd.params},
        tags={tag.key: tag.value for tag in cmd.tags},
    )
    await models.create(tx, model)
    return await _reply(tx, model_id)


def _check_new(cmd: CreateLoggedModel) -> None:
    """Raise DomainError for values that MLflow refuses, or that are too long for its SQL store.

    As in MLflow, the source run need not exist.
    """
    if any(character in cmd.name for character in BAD_CHARACTERS):
        message = (
            f"Invalid model name ({cmd.name!r}) provided. Model name must be a non-empty string "
            f"and cannot contain the following characters: {BAD_CHARACTERS}"
        )
        raise invalid(message)
    check_length("name", MAX_NAME_LENGTH, cmd.name)
    check_length("model_type", MAX_TYPE_LENGTH, cmd.model_type)
    check_length("source_run_id", MAX_SOURCE_RUN_LENGTH, cmd.source_run_id)
    _check_keys("params", [param.key for param in cmd.params])
    _check_keys("tags", [tag.key for tag in cmd.tags])
    check_unique_params(cmd.params)


def _check_keys(path: str, keys: list[str]) -> None:
    for index, key in enumerate(keys):
        check_length(f"{path}[{index}].key", MAX_KEY_LENGTH, key)


async def get_logged_model(query: GetLoggedModel, tx: Transaction) -> bytes:
    """Read a model. A deleted one is only found with ``allow_deleted``."""
    if await models.is_deleted(tx, query.model_id) and not query.allow_deleted:
        raise models.not_found(query.model_id)
    return await _reply(tx, query.model_id)


async def _reply(tx: Transaction, model_id: str) -> bytes:
    return b'{"model":%b}' % await models.read(tx, [model_id])


async def search_logged_models(query: SearchLoggedModels, tx: Transaction) -> bytes:
    """Read a page of models."""
    page = await search_model_ids(tx.connection, tx.project, query)
    found = await models.read(tx, page.items) if page.items else b""
    return page_json("models", found, page.next_page_token)


async def finalize_logged_model(cmd: FinalizeLoggedModel, tx: Transaction) -> bytes:
    """Set the status of a model; MLflow lets it change again."""
    await models.finalize(tx, cmd.model_id, cmd.status)
    return await _reply(tx, cmd.model_id)


async def delete_logged_model(cmd: DeleteLoggedModel, tx: Transaction) -> Empty:
    """Mark a model deleted."""
    experiment_id = await models.delete(tx, cmd.model_id)
    tx.emit(LoggedModelDeleted(model_id=cmd.model_id, experiment_id=str(experiment_id)))
    return Empty()


async def log_logged_model_params(cmd: LogLoggedModelParams, tx: Transaction) -> Empty:
    """Add params to a model.

    The model is locked: of two calls that disagree about a value, one must be refused. MLflow refuses a
    repeated call. Here it is accepted, because the answer to the first one may have been lost.
    """
    _check_keys("params", [param.key for param in cmd.params])
    check_unique_params(cmd.params)
    await models.lock(tx, cmd.model_id)
    params = {param.key: param.value for param in cmd.params}
    known = await models.existing_params(tx, cmd.model_id, list(params))
    changes = [
        {"key": key, "old_value": known[key], "new_value": value}
        for key, value in params.items()
        if known.get(key, value) != value
    ]
    if changes:
        message = (
            f"Changing param values is not allowed. Params were already logged='{changes}' "
            f"for logged model ID='{cmd.model_id}'."
        )
        raise invalid(message)
    fresh = {key: value for key, value in params.items() if key not in known}
    if fresh:
        await models.insert_params(tx, cmd.model_id, fresh)
    return Empty()


async def set_logged_model_tags(cmd: SetLoggedModelTags, tx: Transaction) -> Empty:
    """Set or overwrite tags of a model."""
    _check_keys("tags", [tag.key for tag in cmd.tags])
    # Only to raise if there is no such model: a deleted one may have tags.
    await models.is_deleted(tx, cmd.model_id)
    if cmd.tags:
        await models.set_tags(tx, cmd.model_id, {tag.key: tag.value for tag in cmd.tags})
    return Empty()


async def delete_logged_model_tag(cmd: DeleteLoggedModelTag, tx: Transaction) -> Empty:
    """Remove a tag of a model."""
    await models.is_deleted(tx, cmd.model_id)
    if not await models.delete_tag(tx, cmd.model_id, cmd.tag_key):
        message = f"No tag with key {cmd.tag_key!r} found for model with ID {cmd.model_id!r}."
        raise missing_resource(message)
    return Empty()


async def name_version(event: ModelVersionCreated, tx: Transaction) -> None:
    """Add a version to the tag ``mlflow.modelVersions`` of its logged model, as MLflow's server does.

    If the logged model does not exist or is deleted, nothing happens.
    """
    if not event.model_id or not await models.lock_if_there(tx, event.model_id):
        return
    before = await models.get_tag(tx, event.model_id, MODEL_VERSIONS)
    version = {"name": event.name, "version": event.display_version or event.version}
    versions = _listed(before)
    if version not in versions:
        value = json.dumps([*versions, version])
        await models.set_tags(tx, event.model_id, {MODEL_VERSIONS: value})


def _listed(value: str | None) -> list[Any]:
    """Read the list in the tag. Clients may write the tag: a text that is not a list counts as empty."""
    try:
        listed = from_json(value or "[]")
    except ValueError:
        return []
    return listed if isinstance(listed, list) else []


HANDLERS: Mapping[type[Message], Handler[Transaction]] = {
    CreateLoggedModel: create_logged_model,
    GetLoggedModel: get_logged_model,
    SearchLoggedModels: search_logged_models,
    FinalizeLoggedModel: finalize_logged_model,
    DeleteLoggedModel: delete_logged_model,
    LogLoggedModelParams: log_logged_model_params,
    SetLoggedModelTags: set_logged_model_tags,
    DeleteLoggedModelTag: delete_logged_model_tag,
}
