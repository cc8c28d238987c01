"""Finds where a new version comes from: checks its source, and follows it to artifacts and a run.

Tracking is asked only if the source depends on a run or a logged model.
"""

from uuid import UUID

from services.registry import sources
from services.registry.dialects.dialect import Dialect
from services.registry.sources import ModelUri
from services.registry.store import model_versions, registered_models
from services.registry.store.model_versions import Lineage
from services.registry.validation import (
    check_model_name,
    is_true,
    model_not_found,
    version_not_found,
)
from shared.contracts.errors import DomainError, ErrorCode, invalid, missing_resource
from shared.contracts.logged_models import GetLoggedModel, LoggedModelInfo, LoggedModelReply
from shared.contracts.model_versions import CreateModelVersion
from shared.contracts.runs import GetRun, RunReply
from shared.postgres.transaction import Transaction


def of_prompt(cmd: CreateModelVersion) -> Lineage:
    """Return the lineage of a prompt's version. Raises DomainError unless its source is a placeholder."""
    if cmd.source not in sources.PROMPT_SOURCES:
        raise invalid(
            f"Invalid prompt source: '{cmd.source}'. Prompt sources must use an MLflow placeholder."
        )
    return Lineage(cmd.source, cmd.source, cmd.run_id or "", None)


async def of_model(cmd: CreateModelVersion, tx: Transaction, dialect: Dialect) -> Lineage:
    """Follow a source. Raises DomainError if it is not allowed, or refers to nothing."""
    if sources.parse(cmd.source).scheme == "models":
        return await _of_model_uri(cmd, tx, dialect)
    run_id, model_id = cmd.run_id or "", cmd.model_id or None
    if model_id:
        model = await _check_in_model(cmd.source, model_id, tx)
        run_id = run_id or model.source_run_id
    else:
        await _check_in_run(cmd.source, run_id, tx)
    return Lineage(cmd.source, cmd.source, run_id, model_id)


async def _of_model_uri(cmd: CreateModelVersion, tx: Transaction, dialect: Dialect) -> Lineage:
    if sources.parse(cmd.source).netloc:
        raise sources.refused(
            cmd.source, "Registered model sources must use the active model registry."
        )
    uri = sources.parse_model_uri(cmd.source)
    if uri.model_id is None:
        return await _of_version(cmd, uri, tx, dialect)
    sources.check_path(cmd.source)
    if uri.model_id != cmd.model_id:
        raise sources.not_contained(cmd.source, "model_id")
    model = await _logged_model(cmd.source, uri.model_id, tx)
    run_id = cmd.run_id or model.source_run_id
    return Lineage(cmd.source, model.artifact_uri, run_id, uri.model_id)


async def _of_version(
    cmd: CreateModelVersion, uri: ModelUri, tx: Transaction, dialect: Dialect
) -> Lineage:
    """Copy the lineage of an existing version. A copy of a copy has the original's artifacts, too."""
    check_model_name(uri.name)
    model = await registered_models.find(tx, uri.name)
    if model is None:
        raise model_not_found(uri.name)
    if is_true(model.prompt):
        raise sources.refused(
            cmd.source, "Prompt versions cannot be used as model version sources."
        )
    number = await _number(uri, model, tx, dialect)
    found = await model_versions.find(tx, uri.name, number)
    if found is None:
        raise version_not_found(uri.name, uri.version or str(number))
    if cmd.run_id not in (None, found.run_id) or cmd.model_id not in (None, found.model_id or ""):
        raise sources.refused(
            cmd.source,
            "The run_id and model_id request parameters must match the referenced model version.",
        )
    source = f"models:/{uri.name}/{dialect.display_version(found.id, number)}"
    sources.check_path(source)
    return Lineage(source, found.storage_location, found.run_id, found.model_id)


async def _number(
    uri: ModelUri, model: registered_models.FoundModel, tx: Transaction, dialect: Dialect
) -> int:
    if uri.version is not None:
        return await dialect.version_number(tx, uri.name, uri.version)
    model_id = model.registered_model_id
    if uri.alias is not None:
        return await version_of_alias(tx, dialect, model_id, uri.name, uri.alias)
    if uri.stage is not None:
        found = await dialect.latest_versions(tx, model_id, [uri.stage])
        number = found[0] if found else None
    else:
        number = await dialect.newest(tx, model_id)
    if number is None:
        stage_text = f" and stage '{uri.stage}'" if uri.stage else ""
        message = f"No versions of model with name '{uri.name}'{stage_text} found"
        raise missing_resource(message)
    return number


async def version_of_alias(
    tx: Transaction, dialect: Dialect, model_id: UUID, name: str, alias: str
) -> int:
    """Return the number of the version that an alias points to; ``latest`` means the newest version.

    Raises DomainError. As in MLflow, its code for a missing alias differs from that for a model without
    versions.
    """
    if alias.lower() == "latest":
        number = await dialect.newest(tx, model_id)
        if number is None:
            raise missing_resource(f"Latest version not found for model {name}.")
        return number
    number = await dialect.version_of_alias(tx, model_id, alias)
    if number is None:
        raise invalid(f"Registered model alias {alias} not found.")
    return number


async def _check_in_run(source: str, run_id: str, tx: Transaction) -> None:
    """Raise DomainError if the source must lie in a run, and does not lie in this one."""
    if sources.is_local(source):
        if run_id and sources.contains_local(await _run_root(source, run_id, tx), source):
            return
        raise sources.not_local(source, "run_id")
    sources.check_path(source)
    if sources.parse(source).scheme == "runs":
        held = not sources.parse(source).netloc and sources.run_of(source) == run_id
    elif sources.is_artifact_route(source):
        held = bool(run_id) and sources.contains(await _run_root(source, run_id, tx), source)
    else:
        held = True
    if not held:
        raise sources.not_contained(source, "run_id")


async def _check_in_model(source: str, model_id: str, tx: Transaction) -> LoggedModelInfo:
    """Return the logged model. Raises DomainError if the source must lie in it, and does not."""
    local = sources.is_local(source)
    if not local:
        sources.check_path(source)
    if sources.parse(source).scheme == "runs":
        raise sources.not_contained(source, "model_id")
    model = await _logged_model(source, model_id, tx)
    if local and not sources.contains_local(model.artifact_uri, source):
        raise sources.not_local(source, "model_id")
    if sources.is_artifact_route(source) and not sources.contains(model.artifact_uri, source):
        raise sources.not_contained(source, "model_id")
    return model


async def _run_root(source: str, run_id: str, tx: Transaction) -> str:
    try:
        answer = await tx.query(GetRun(run_id=run_id))
    except DomainError as error:
        raise _source_fault(error, source, "run_id") from error
    return RunReply.model_validate_json(answer).run.info.artifact_uri


async def _logged_model(source: str, model_id: str, tx: Transaction) -> LoggedModelInfo:
    try:
        answer = await tx.query(GetLoggedModel(model_id=model_id))
    except DomainError as error:
        raise _source_fault(error, source, "model_id") from error
    return LoggedModelReply.model_validate_json(answer).model.info


def _source_fault(error: DomainError, source: str, parameter: str) -> DomainError:
    """Return MLflow's error for a source in a run or logged model that does not exist; else ``error``."""
    if error.code is ErrorCode.RESOURCE_DOES_NOT_EXIST:
        return sources.not_contained(source, parameter)
    return error
