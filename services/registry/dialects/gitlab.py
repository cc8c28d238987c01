"""GitLab's dialect: a version is called by a number of its own, or by its semantic version.

GitLab reads versions by the semantic version alone and answers with the number, so that its clients
can't read what they were told; here both do. Prompts, which GitLab does not know, are MLflow's.
"""

from collections.abc import Sequence
from uuid import UUID

from services.registry import semver
from services.registry.dialects import mlflow
from services.registry.store import model_versions, registered_models
from services.registry.store.model_versions import FoundVersion
from services.registry.validation import is_true, parse_stage, version_not_found
from shared.contracts.message import INT64_MAX
from shared.contracts.views import ModelStage
from shared.database.transaction import Transaction
from shared.errors import invalid

_DIGITS = len(str(INT64_MAX))


async def version_number(tx: Transaction, name: str, version: str) -> int:
    """Look a version up by either of its names."""
    model = await registered_models.find(tx, name)
    if model is None:
        raise version_not_found(name, version)
    if is_true(model.prompt):
        return await mlflow.version_number(tx, name, version)
    number = await _called(tx, model.registered_model_id, version)
    if number is None:
        raise version_not_found(name, version)
    return number


async def _called(tx: Transaction, model_id: UUID, version: str) -> int | None:
    return await model_versions.called(tx, model_id, _own_number(version), version)


def _own_number(version: str) -> int | None:
    """Read a number of a version's own; None if the text can't be one."""
    if not (version.isascii() and version.isdigit() and len(version) <= _DIGITS):
        return None
    number = int(version)
    return number if number <= INT64_MAX else None


async def version_of_alias(tx: Transaction, model_id: UUID, alias: str) -> int | None:
    """Look an alias up; each version's first one is its semantic version."""
    if semver.parse(alias):
        return await model_versions.called(tx, model_id, None, alias)
    return await mlflow.version_of_alias(tx, model_id, alias)


def check_new_alias(alias: str) -> None:
    """Refuse semantic versions, too: each is an alias of its own version and of no other."""
    if semver.parse(alias):
        raise invalid(f"Version alias name '{alias}' is reserved.")
    mlflow.check_new_alias(alias)


async def newest(tx: Transaction, model_id: UUID) -> int | None:
    """Return the highest by semantic version."""
    found = await model_versions.highest(tx, model_id)
    return found[0] if found else None


async def latest_versions(tx: Transaction, model_id: UUID, stages: Sequence[str]) -> list[int]:
    """Return the highest version, unless stages are named that somebody moved versions to.

    Clients take the end of ``models:/name/1.0.0`` for a stage; it selects that version. A stage
    without a version selects none: the highest one would be another than was asked for.
    """
    selected = [await _selected(tx, model_id, stage) for stage in stages or [""]]
    return list(dict.fromkeys(number for number in selected if number is not None))


async def _selected(tx: Transaction, model_id: UUID, stage: str) -> int | None:
    if semver.parse(stage):
        return await model_versions.called(tx, model_id, None, stage)
    wanted = parse_stage(stage) if stage else ModelStage.NONE
    if wanted is ModelStage.NONE:
        return await newest(tx, model_id)
    found = await model_versions.highest(tx, model_id, wanted)
    return found[0] if found else None


def called(found: FoundVersion, _number: int) -> str:
    """Return the number of its own."""
    return str(found.id)
