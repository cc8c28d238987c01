"""GitLab's dialect: clients name a version by its id, or by its semantic version.

GitLab itself finds versions by semantic version alone, but its replies contain the id. So its clients
can't use the name from a reply. Here both names work. GitLab has no prompts; they follow MLflow's
dialect.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar
from uuid import UUID

from services.registry import semver, sources
from services.registry.dialects.mlflow import MLflow
from services.registry.lineage import of_model
from services.registry.store import model_versions, registered_models
from services.registry.store.model_versions import Lineage
from services.registry.validation import is_true, parse_stage, version_not_found
from shared.contracts.errors import DomainError, ErrorCode, invalid
from shared.contracts.message import INT64_MAX
from shared.contracts.model_experiments import (
    EnsureModelExperiment,
    EnsureVersionRun,
    EnsureVersionRunReply,
)
from shared.contracts.model_versions import CreateModelVersion
from shared.contracts.runs import GetRun
from shared.contracts.views import ModelStage
from shared.postgres.transaction import Transaction

_DIGITS = len(str(INT64_MAX))


class GitLab(MLflow):
    """GitLab's dialect."""

    number_column: ClassVar[str] = "id"

    async def version_number(self, tx: Transaction, name: str, version: str) -> int:
        """Find a version by its id or its semantic version. Raises DomainError if there is none."""
        model = await registered_models.find(tx, name)
        if model is None:
            raise version_not_found(name, version)
        if is_true(model.prompt):
            return await super().version_number(tx, name, version)
        number = await _find_by_id_or_semver(tx, model.registered_model_id, version)
        if number is None:
            raise version_not_found(name, version)
        return number

    async def version_of_alias(self, tx: Transaction, model_id: UUID, alias: str) -> int | None:
        """Find a version by an alias; its semantic version is an alias, too."""
        if semver.parse(alias):
            return await model_versions.find_by_id_or_semver(tx, model_id, None, alias)
        return await super().version_of_alias(tx, model_id, alias)

    def check_new_alias(self, alias: str) -> None:
        """Refuse semantic versions, too: each is reserved for its own version."""
        if semver.parse(alias):
            raise invalid(f"Version alias name '{alias}' is reserved.")
        super().check_new_alias(alias)

    async def newest(self, tx: Transaction, model_id: UUID) -> int | None:
        """Return the version with the highest semantic version."""
        found = await model_versions.highest(tx, model_id)
        return found[0] if found else None

    async def latest_versions(
        self, tx: Transaction, model_id: UUID, stages: Sequence[str]
    ) -> list[int]:
        """Return the highest version, whatever the stages: GitLab has no stages and ignores them.

        There are two exceptions. Clients send the end of ``models:/name/1.0.0`` as a stage: it selects
        that version. And if versions of the model were moved to stages, which GitLab can't do, a
        stage selects its own highest version: another one is not what the client asks for.
        """
        staged = bool(stages) and await model_versions.are_staged(tx, model_id)
        selected = [await _selected(tx, model_id, stage, staged=staged) for stage in stages or [""]]
        return list(dict.fromkeys(number for number in selected if number is not None))

    def display_version(self, version_id: int, _number: int) -> str:
        """Return the id."""
        return str(version_id)

    async def prepare_model(self, tx: Transaction, name: str) -> None:
        """Have tracking create the model's experiment."""
        model_id = tx.envelope.id
        await tx.send_command(EnsureModelExperiment(registered_model_id=model_id, name=name))

    async def lineage(self, tx: Transaction, model_id: UUID, cmd: CreateModelVersion) -> Lineage:
        """Follow the source if it is a remote location, and give the version a run.

        GitLab ignores sources: its users leave them empty, or write the version there. Such a
        version has the artifacts of its run.
        """
        if cmd.run_id:
            await _check_run(tx, cmd.run_id)
        followed = await of_model(cmd, tx, self) if sources.is_remote(cmd.source) else None
        run = await _version_run(tx, model_id, cmd, followed.run_id if followed else "")
        claim = tx.envelope.id
        if followed is not None:
            return replace(followed, run_id=run.run_id, run_claim=claim)
        return Lineage(run.artifact_uri, run.artifact_uri, run.run_id, None, claim)


async def _version_run(
    tx: Transaction, model_id: UUID, cmd: CreateModelVersion, source_run_id: str
) -> EnsureVersionRunReply:
    """Give the version a run: the requested one, or the one of its source (``source_run_id``), or a new one.

    Raises DomainError if the version can't have the requested run. If it can't have the run of its
    source, it gets a new one instead: the client did not ask for that run.
    """
    if cmd.run_id or not source_run_id:
        return await _ensure_run(tx, model_id, cmd.name, cmd.run_id or None)
    try:
        return await _ensure_run(tx, model_id, cmd.name, source_run_id)
    except DomainError as error:
        if error.code is not ErrorCode.INVALID_PARAMETER_VALUE:
            raise
        return await _ensure_run(tx, model_id, cmd.name, None)


async def _ensure_run(
    tx: Transaction, model_id: UUID, name: str, run_id: str | None
) -> EnsureVersionRunReply:
    command = EnsureVersionRun(
        registered_model_id=model_id,
        name=name,
        claim=tx.envelope.id,
        run_id=run_id,
        has_version=await model_versions.has_run(tx, run_id or ""),
    )
    return EnsureVersionRunReply.model_validate_json(await tx.send_command(command))


async def _find_by_id_or_semver(tx: Transaction, model_id: UUID, version: str) -> int | None:
    return await model_versions.find_by_id_or_semver(tx, model_id, _version_id(version), version)


def _version_id(version: str) -> int | None:
    """Read the id of a version; None if the text can't be one."""
    if not (version.isascii() and version.isdigit() and len(version) <= _DIGITS):
        return None
    number = int(version)
    return number if number <= INT64_MAX else None


async def _selected(tx: Transaction, model_id: UUID, stage: str, *, staged: bool) -> int | None:
    if semver.parse(stage):
        return await model_versions.find_by_id_or_semver(tx, model_id, None, stage)
    wanted = parse_stage(stage) if staged and stage else ModelStage.NONE
    anywhere = wanted is ModelStage.NONE
    found = await model_versions.highest(tx, model_id, None if anywhere else wanted)
    return found[0] if found else None


async def _check_run(tx: Transaction, run_id: str) -> None:
    """Raise DomainError, in GitLab's words, unless the run exists."""
    try:
        await tx.query(GetRun(run_id=run_id))
    except DomainError as error:
        if error.code is not ErrorCode.RESOURCE_DOES_NOT_EXIST:
            raise
        message = "Run not found"
        raise invalid(message) from error
