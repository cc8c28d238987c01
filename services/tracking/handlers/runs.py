"""Runs: MLflow's ``runs/*``, except what is logged to them (module ``log``)."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json

from services.tracking.dialects import dialect_of
from services.tracking.handlers.experiments import not_active, not_found
from services.tracking.store import model_experiments, run_json, runs
from services.tracking.store.runs import NewRun
from services.tracking.store.search import parse_experiment_id
from services.tracking.store.search_runs import search_run_ids
from services.tracking.validation import (
    MAX_ENTITY_KEY_LENGTH,
    MAX_TAG_VAL_LENGTH,
    is_run_id,
    run_not_found,
)
from shared.contracts.errors import invalid, missing_resource
from shared.contracts.events import RunDeleted, RunFinished, RunRestored
from shared.contracts.experiments import Empty, Tag
from shared.contracts.message import Message
from shared.contracts.runs import (
    CreateRun,
    DeleteRun,
    DeleteTag,
    GetRun,
    GetRunByIid,
    LogModel,
    RestoreRun,
    Run,
    RunData,
    RunInfo,
    RunReply,
    SearchRuns,
    UpdateRun,
    UpdateRunReply,
)
from shared.contracts.views import RunStatus
from shared.handling.handlers import Handler
from shared.mlflow.pages import page_json
from shared.mlflow.validation import check_length
from shared.postgres.transaction import Transaction

RUN_NAME = "mlflow.runName"
USER = "mlflow.user"
LOGGED_MODELS = "mlflow.log-model.history"
FINAL = frozenset({RunStatus.FINISHED, RunStatus.FAILED, RunStatus.KILLED})
MODEL_FIELDS = frozenset({"artifact_path", "flavors", "utc_time_created", "run_id"})


async def create_run(cmd: CreateRun, tx: Transaction) -> RunReply:
    """Start a run in an active experiment; its id is the command's."""
    run = _new_run(cmd, tx)
    created = await runs.create(tx, run)
    if created is None:
        raise not_found(cmd.experiment_id or "0")
    deleted, artifact_uri = created
    if deleted or artifact_uri is None:
        raise not_active(run.experiment_id)
    return _created(run, artifact_uri)


def _new_run(cmd: CreateRun, tx: Transaction) -> NewRun:
    """Return the run to insert. Raises DomainError.

    Its name may be given by the field, by the tag, by both with the same value, or not at all. An absent
    start time is 0, because MLflow's server reads an unset int64 as 0.
    """
    experiment_id = parse_experiment_id(cmd.experiment_id or "0")
    for index, tag in enumerate(cmd.tags):
        check_length(f"tags[{index}].key", MAX_ENTITY_KEY_LENGTH, tag.key)
    tags = {tag.key: tag.value[:MAX_TAG_VAL_LENGTH] for tag in cmd.tags}
    tagged = tags.get(RUN_NAME)
    if cmd.run_name and tagged and cmd.run_name != tagged:
        message = (
            "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different "
            f"values (run_name='{cmd.run_name}', mlflow.runName='{tagged}')."
        )
        raise invalid(message)
    dialect = dialect_of(tx)
    name = dialect.run_name(tx, cmd.run_name or tagged)
    return NewRun(
        run_id=tx.envelope.id,
        experiment_id=experiment_id,
        name=name,
        user_id=dialect.run_user(tx, cmd.user_id or tags.get(USER, "")),
        start_time=cmd.start_time or 0,
        tags={**tags, RUN_NAME: name},
    )


def _created(run: NewRun, artifact_uri: str) -> RunReply:
    info = RunInfo(
        run_id=run.run_id.hex,
        run_uuid=run.run_id.hex,
        run_name=run.name,
        experiment_id=str(run.experiment_id),
        user_id=run.user_id,
        status=RunStatus.RUNNING,
        start_time=run.start_time,
        artifact_uri=artifact_uri,
        lifecycle_stage="active",
    )
    tags = [Tag(key=key, value=value) for key, value in run.tags.items()]
    return RunReply(run=Run(info=info, data=RunData(tags=tags)))


async def get_run(query: GetRun, tx: Transaction) -> bytes:
    """Read a run, deleted or not."""
    run = await run_json.read(tx, [query.run_id]) if is_run_id(query.run_id) else b""
    return _one(run, query.run_id)


async def get_run_by_iid(query: GetRunByIid, tx: Transaction) -> bytes:
    """Read the run with an iid, deleted or not."""
    run_id = await runs.of_iid(tx, query.iid)
    return _one(await run_json.read(tx, [run_id]) if run_id else b"", f"candidate:{query.iid}")


def _one(run: bytes, named: str) -> bytes:
    if not run:
        raise run_not_found(named)
    return b'{"run":%b}' % run


async def search_runs(query: SearchRuns, tx: Transaction) -> bytes:
    """Read a page of runs."""
    page = await search_run_ids(tx.connection, tx.project, query)
    found = await run_json.read(tx, page.items) if page.items else b""
    return page_json("runs", found, page.next_page_token)


async def update_run(cmd: UpdateRun, tx: Transaction) -> UpdateRunReply:
    """Change status, end time or name of an active run."""
    info = await runs.update(tx, cmd.run_id, cmd.status, cmd.end_time, cmd.run_name or None)
    if cmd.status in FINAL:
        tx.emit(RunFinished(run_id=info.run_id, experiment_id=info.experiment_id))
    return UpdateRunReply(run_info=info)


async def delete_run(cmd: DeleteRun, tx: Transaction) -> Empty:
    """Mark a run deleted. Raises DomainError, in GitLab's words, if a version of GitLab's dialect has it."""
    run = await runs.lock(tx, cmd.run_id)
    if run and not run.deleted and await model_experiments.is_claimed(tx, cmd.run_id):
        message = "Cannot delete a candidate associated to a model version"
        raise invalid(message)
    experiment_id = await runs.delete(tx, cmd.run_id)
    tx.emit(RunDeleted(run_id=cmd.run_id, experiment_id=str(experiment_id)))
    return Empty()


async def restore_run(cmd: RestoreRun, tx: Transaction) -> Empty:
    """Mark a deleted run active."""
    experiment_id = await runs.restore(tx, cmd.run_id)
    tx.emit(RunRestored(run_id=cmd.run_id, experiment_id=str(experiment_id)))
    return Empty()


async def delete_tag(cmd: DeleteTag, tx: Transaction) -> Empty:
    """Remove a tag of an active run."""
    await runs.active(tx, cmd.run_id)
    if not await runs.delete_tag(tx, cmd.run_id, cmd.key):
        raise missing_resource(f"No tag with name: {cmd.key} in run with id {cmd.run_id}")
    return Empty()


async def log_model(cmd: LogModel, tx: Transaction) -> Empty:
    """Append to the list of models in the tag ``mlflow.log-model.history``.

    The run is locked: two models logged at once must both be in the list.
    """
    model = _model_entry(cmd.model_json)
    await runs.lock_active(tx, cmd.run_id)
    before = await runs.get_tag(tx, cmd.run_id, LOGGED_MODELS)
    models = [*_logged_before(before), model]
    await runs.set_tag(tx, cmd.run_id, LOGGED_MODELS, json.dumps(models))
    return Empty()


def _logged_before(tag: str | None) -> list[Any]:
    """Read the list in the tag. Raises DomainError if a client has set the tag to something else."""
    try:
        models = from_json(tag or "[]")
    except ValueError:
        models = None
    if not isinstance(models, list):
        raise invalid(f"The tag {LOGGED_MODELS} is not a valid JSON list.")
    return models


def _model_entry(model_json: str) -> dict[str, Any]:
    """Return what MLflow's ``Model.get_tags_dict`` keeps: no signature, no flavor configuration.

    Pydantic's parser reads it. It refuses JSON that is nested too deep, which exhausts the stack of
    Python's parser.
    """
    try:
        model = from_json(model_json)
    except ValueError:
        model = None
    if not isinstance(model, dict):
        message = f"Malformed model info. \n {model_json} \n is not a valid JSON."
        raise invalid(message)
    if missing := MODEL_FIELDS - model.keys():
        fields = ", ".join(map(repr, sorted(missing)))
        raise invalid(f"Model json is missing mandatory fields: {{{fields}}}")
    flavors = model["flavors"] if isinstance(model["flavors"], dict) else {}
    kept = ("run_id", "utc_time_created", "artifact_path", "model_uuid")
    return {
        **{key: model[key] for key in kept if key in model},
        "flavors": {name: _flavor(flavor) for name, flavor in flavors.items()},
    }


def _flavor(flavor: Any) -> Any:
    if not isinstance(flavor, dict):
        return flavor
    return {key: value for key, value in flavor.items() if key != "config"}


HANDLERS: Mapping[type[Message], Handler[Transaction]] = {
    CreateRun: create_run,
    GetRun: get_run,
    GetRunByIid: get_run_by_iid,
    SearchRuns: search_runs,
    UpdateRun: update_run,
    DeleteRun: delete_run,
    RestoreRun: restore_run,
    DeleteTag: delete_tag,
    LogModel: log_model,
}
