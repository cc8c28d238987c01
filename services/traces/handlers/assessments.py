"""Assessments of traces: MLflow's ``assessments`` requests.

The frame has locked the trace that a command names (``handlers.frames``). So the assessments of a trace are written one
after the other, and none is added to a trace that is being deleted.
"""

from collections.abc import Mapping

from asyncpg import Record
from pydantic_core import to_json

from services.traces.rules import assessments as rules
from services.traces.rules.assessment_changes import changed, read_mask
from services.traces.store import assessments, traces
from services.traces.validation import trace_not_found
from shared.contracts.assessments import (
    CreateAssessment,
    DeleteAssessment,
    GetAssessment,
    UpdateAssessment,
)
from shared.contracts.errors import DomainError, missing_resource
from shared.contracts.experiments import Empty
from shared.contracts.message import Message
from shared.handling.handlers import Handler
from shared.postgres.transaction import Transaction


async def create_assessment(cmd: CreateAssessment, tx: Transaction) -> bytes:
    """Add an assessment to a trace; its id is the command's."""
    new = rules.stored(cmd.assessment, rules.assessment_id(tx.envelope.id.hex))
    experiment_id = await _locked(tx, cmd.trace_id)
    if experiment_id is None:
        raise trace_not_found(cmd.trace_id)
    if new.overrides and await assessments.find(tx, cmd.trace_id, new.overrides) is None:
        raise _not_found(cmd.trace_id, new.overrides)
    await assessments.create(tx, cmd.trace_id, experiment_id, new)
    return await _reply(tx, cmd.trace_id, new.assessment_id)


async def get_assessment(query: GetAssessment, tx: Transaction) -> bytes:
    """Return an assessment."""
    return await _reply(tx, query.trace_id, query.assessment_id)


async def update_assessment(cmd: UpdateAssessment, tx: Transaction) -> bytes:
    """Change the named fields of an assessment."""
    paths = read_mask(cmd.update_mask)
    experiment_id = await _locked(tx, cmd.trace_id)
    row = await _find(tx, cmd.trace_id, cmd.assessment_id)
    if experiment_id is None:
        raise _no_trace(cmd.trace_id)
    await assessments.add(tx, cmd.trace_id, experiment_id, [changed(row, cmd.assessment, paths)])
    return await _reply(tx, cmd.trace_id, cmd.assessment_id)


async def delete_assessment(cmd: DeleteAssessment, tx: Transaction) -> Empty:
    """Delete an assessment, if it is there."""
    await assessments.delete(tx, cmd.trace_id, cmd.assessment_id)
    return Empty()


async def _locked(tx: Transaction, trace_id: str) -> int | None:
    return (await traces.locked(tx, [trace_id])).get(trace_id)


async def _experiment(tx: Transaction, trace_id: str) -> int | None:
    return (await traces.experiments(tx, [trace_id])).get(trace_id)


async def _reply(tx: Transaction, trace_id: str, assessment_id: str) -> bytes:
    row = await _find(tx, trace_id, assessment_id)
    return to_json({"assessment": rules.assessment_json(row)})


async def _find(tx: Transaction, trace_id: str, assessment_id: str) -> Record:
    row = await assessments.find(tx, trace_id, assessment_id)
    if row is not None:
        return row
    if await _experiment(tx, trace_id) is not None:
        raise _not_found(trace_id, assessment_id)
    raise _no_trace(trace_id)


def _not_found(trace_id: str, assessment_id: str) -> DomainError:
    message = f"Assessment with ID '{assessment_id}' not found for trace '{trace_id}'"
    return missing_resource(message)


def _no_trace(trace_id: str) -> DomainError:
    return missing_resource(f"Trace with request_id '{trace_id}' not found")


HANDLERS: Mapping[type[Message], Handler[Transaction]] = {
    CreateAssessment: create_assessment,
    GetAssessment: get_assessment,
    UpdateAssessment: update_assessment,
    DeleteAssessment: delete_assessment,
}
