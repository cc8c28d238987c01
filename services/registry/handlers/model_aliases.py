"""Aliases, each a name for one version of a model: MLflow's ``registered-models/alias``."""

from collections.abc import Mapping

from services.registry.dialects import dialect_of
from services.registry.handlers.registered_models import find_model
from services.registry.handlers.replies import version_reply
from services.registry.lineage import version_of_alias
from services.registry.store import model_aliases
from services.registry.validation import (
    check_alias,
    check_model_name,
    version_not_found,
)
from shared.contracts.experiments import Empty
from shared.contracts.message import Message
from shared.contracts.model_aliases import (
    DeleteRegisteredModelAlias,
    GetModelVersionByAlias,
    SetRegisteredModelAlias,
)
from shared.contracts.registry_events import ModelVersionAliasDeleted, ModelVersionAliasSet
from shared.handling.handlers import Handler
from shared.postgres.transaction import Transaction


async def set_registered_model_alias(cmd: SetRegisteredModelAlias, tx: Transaction) -> Empty:
    """Point an alias to a version. An alias of another version of the model moves."""
    check_model_name(cmd.name)
    dialect = dialect_of(tx)
    dialect.check_new_alias(cmd.alias)
    number = await dialect.version_number(tx, cmd.name, cmd.version)
    if not await model_aliases.set_alias(tx, cmd.name, number, cmd.alias):
        raise version_not_found(cmd.name, cmd.version)
    tx.emit(ModelVersionAliasSet(name=cmd.name, alias=cmd.alias, version=str(number)))
    return Empty()


async def delete_registered_model_alias(cmd: DeleteRegisteredModelAlias, tx: Transaction) -> Empty:
    """Remove an alias. A missing alias is no error."""
    check_alias(cmd.alias)
    model_id = await find_model(tx, cmd.name)
    if await model_aliases.delete(tx, model_id, cmd.alias):
        tx.emit(ModelVersionAliasDeleted(name=cmd.name, alias=cmd.alias))
    return Empty()


async def get_model_version_by_alias(query: GetModelVersionByAlias, tx: Transaction) -> bytes:
    """Read the version that an alias points to."""
    model_id = await find_model(tx, query.name)
    dialect = dialect_of(tx)
    number = await version_of_alias(tx, dialect, model_id, query.name, query.alias)
    return await version_reply(tx, query.name, (model_id, number))


HANDLERS: Mapping[type[Message], Handler[Transaction]] = {
    SetRegisteredModelAlias: set_registered_model_alias,
    DeleteRegisteredModelAlias: delete_registered_model_alias,
    GetModelVersionByAlias: get_model_version_by_alias,
}
