"""Label schemas: MLflow's ``label-schemas`` requests.

Every experiment has a default question, which can't be changed. MLflow inserts it when the label schemas are listed for
the first time. Here it has no row, so that a list writes nothing, and its id says whose question it is.
"""

from collections.abc import Mapping

from asyncpg import Record

from services.traces.experiments import check_exists, existing_experiment, parse_experiment_id
from services.traces.replies.reviewed_pages import bounds, cut
from services.traces.rules.label_rules import (
    DEFAULT_INSTRUCTION,
    DEFAULT_NAME,
    ID_PREFIX,
    check_change,
    check_new,
    default_id,
    experiment_of_default,
)
from services.traces.store import label_schemas
from shared.contracts import limits
from shared.contracts.errors import DomainError, already_exists, invalid, missing_resource
from shared.contracts.experiments import Empty
from shared.contracts.label_schemas import (
    CreateLabelSchema,
    DeleteLabelSchema,
    GetLabelSchema,
    GetLabelSchemaByName,
    InputText,
    LabelSchema,
    LabelSchemaInput,
    LabelSchemaReply,
    LabelSchemaType,
    ListLabelSchemas,
    ListLabelSchemasReply,
    UpdateLabelSchema,
)
from shared.contracts.message import Message
from shared.handling.handlers import Handler
from shared.mlflow.search.page_token import Search
from shared.postgres.transaction import Transaction
from shared.runtime.clock import now

DEFAULT_PAGE = 100


async def create_label_schema(cmd: CreateLabelSchema, tx: Transaction) -> LabelSchemaReply:
    """Make a label schema. Its id derives from the command's."""
    check_new(cmd)
    experiment_id = parse_experiment_id(cmd.experiment_id)
    schema_id = f"{ID_PREFIX}{tx.envelope.id.hex}"
    made = await label_schemas.insert(tx, schema_id, experiment_id, cmd, now())
    if made is None:
        raise _taken(cmd.name, experiment_id)
    return _reply(made)


async def get_label_schema(query: GetLabelSchema, tx: Transaction) -> LabelSchemaReply:
    """Return a label schema."""
    found = await label_schemas.find(tx, query.schema_id)
    if found is not None:
        return _reply(found)
    return LabelSchemaReply(label_schema=await _find_default(tx, query.schema_id))


async def _find_default(tx: Transaction, schema_id: str) -> LabelSchema:
    experiment_id = experiment_of_default(schema_id)
    if experiment_id is None:
        raise _not_found(schema_id)
    await check_exists(tx, experiment_id)
    return _default(experiment_id)


async def get_label_schema_by_name(
    query: GetLabelSchemaByName, tx: Transaction
) -> LabelSchemaReply:
    """Return the label schema of a name."""
    experiment_id = await existing_experiment(tx, query.experiment_id)
    if query.name == DEFAULT_NAME:
        return LabelSchemaReply(label_schema=_default(experiment_id))
    found = await label_schemas.find_by_name(tx, experiment_id, query.name)
    if found is None:
        message = f"Label schema with name '{query.name}' not found for experiment '{query.experiment_id}'."
        raise missing_resource(message)
    return _reply(found)


async def list_label_schemas(query: ListLabelSchemas, tx: Transaction) -> ListLabelSchemasReply:
    """Return a page of label schemas. The default question is the last one of the last page."""
    search = Search("label_schemas", "", (), (query.experiment_id,))
    wanted = DEFAULT_PAGE if query.max_results is None else query.max_results
    page = bounds(search, query.page_token, wanted, limits.REVIEWED_PAGE)
    experiment_id = await existing_experiment(tx, query.experiment_id)
    found = await label_schemas.page(tx, experiment_id, page)
    rows, token = cut(found, page, lambda row: (row["creation_time"], row["schema_id"]))
    schemas = [_schema(row) for row in rows]
    if len(found) < page.limit:
        schemas.append(_default(experiment_id))
    elif len(found) == page.limit:
        token = page.token(rows[-1]["creation_time"], rows[-1]["schema_id"])
    return ListLabelSchemasReply(label_schemas=schemas, next_page_token=token)


async def update_label_schema(cmd: UpdateLabelSchema, tx: Transaction) -> LabelSchemaReply:
    """Change a label schema."""
    existing = await label_schemas.lock(tx, cmd.schema_id)
    if existing is None:
        if experiment_of_default(cmd.schema_id) is None:
            raise _not_found(cmd.schema_id)
        raise invalid("The experiment's default question cannot be edited.")
    check_change(cmd, LabelSchemaInput.model_validate_json(existing["input"]))
    if cmd.name is not None and cmd.name != existing["name"]:
        experiment_id = existing["experiment_id"]
        if await label_schemas.find_by_name(tx, experiment_id, cmd.name) is not None:
            raise _taken(cmd.name, experiment_id)
    return _reply(await label_schemas.update(tx, cmd, now()))


async def delete_label_schema(cmd: DeleteLabelSchema, tx: Transaction) -> Empty:
    """Delete a label schema. Assessments that have its name stay, and so does its id in review queues."""
    if experiment_of_default(cmd.schema_id) is not None:
        raise invalid("The experiment's default question cannot be deleted.")
    await label_schemas.delete(tx, cmd.schema_id)
    return Empty()


def _not_found(schema_id: str) -> DomainError:
    return missing_resource(f"Label schema with id '{schema_id}' not found.")


def _taken(name: str, experiment_id: int) -> DomainError:
    return already_exists(
        f"Label schema with name '{name}' already exists for experiment '{experiment_id}'."
    )


def _reply(row: Record) -> LabelSchemaReply:
    return LabelSchemaReply(label_schema=_schema(row))


def _schema(row: Record) -> LabelSchema:
    return LabelSchema(
        schema_id=row["schema_id"],
        experiment_id=str(row["experiment_id"]),
        name=row["name"],
        type=LabelSchemaType(row["type"]),
        input=LabelSchemaInput.model_validate_json(row["input"]),
        instruction=row["instruction"],
        enable_comment=row["enable_comment"],
        created_at=row["creation_time"],
        last_updated_at=row["last_update_time"],
    )


def _default(experiment_id: int) -> LabelSchema:
    return LabelSchema(
        schema_id=default_id(experiment_id),
        experiment_id=str(experiment_id),
        name=DEFAULT_NAME,
        type=LabelSchemaType.FEEDBACK,
        input=LabelSchemaInput(text=InputText()),
        instruction=DEFAULT_INSTRUCTION,
        is_default=True,
    )


HANDLERS: Mapping[type[Message], Handler[Transaction]] = {
    CreateLabelSchema: create_label_schema,
    GetLabelSchema: get_label_schema,
    GetLabelSchemaByName: get_label_schema_by_name,
    ListLabelSchemas: list_label_schemas,
    UpdateLabelSchema: update_label_schema,
    DeleteLabelSchema: delete_label_schema,
}
