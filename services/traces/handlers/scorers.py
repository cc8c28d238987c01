"""Scorers: MLflow's ``scorers`` requests. They are kept and never run here (ADR 77)."""

from collections.abc import Mapping

from asyncpg import Record

from services.traces.experiments import check_active, parse_experiment_id
from services.traces.rules import serialized_scorers
from services.traces.store import scorers
from services.traces.store.scorers import Name
from shared.contracts import limits
from shared.contracts.errors import DomainError, ErrorCode, invalid, missing_resource
from shared.contracts.experiments import Empty
from shared.contracts.message import Message
from shared.contracts.scorers import (
    DeleteScorer,
    GetOnlineScoringConfigs,
    GetScorer,
    ListScorers,
    ListScorersReply,
    ListScorerVersions,
    OnlineScoringConfig,
    OnlineScoringConfigReply,
    OnlineScoringConfigsReply,
    RegisterScorer,
    RegisterScorerReply,
    Scorer,
    ScorerReply,
    UpsertOnlineScoringConfig,
)
from shared.handling.handlers import Handler
from shared.mlflow.search.grammars import TRACES
from shared.mlflow.search.parser import parse_filter
from shared.postgres.transaction import Transaction
from shared.runtime.clock import now


async def register_scorer(cmd: RegisterScorer, tx: Transaction) -> RegisterScorerReply:
    """Store the next version of a scorer. The id of a new scorer is the command's."""
    serialized = serialized_scorers.load(cmd.serialized_scorer)
    serialized_scorers.check_name(cmd.name)
    scorer = _name(cmd)
    serialized_scorers.check_endpoint(serialized_scorers.model_of(serialized))
    await _check_room(tx, scorer, len(cmd.serialized_scorer))
    time = now()
    made = await scorers.register(tx, scorer, str(tx.envelope.id), cmd.serialized_scorer, time)
    return RegisterScorerReply(
        version=made["version"],
        scorer_id=made["scorer_id"],
        experiment_id=str(scorer.experiment_id),
        name=cmd.name,
        serialized_scorer=cmd.serialized_scorer,
        creation_time=time,
    )


async def _check_room(tx: Transaction, scorer: Name, size: int) -> None:
    """Raise DomainError if a list of scorers, or of versions, became too long: MLflow's lists have no pages."""
    room = await scorers.room(tx, scorer)
    if room.others >= limits.SCORERS or room.size_of_others + size > limits.SCORERS_JSON:
        message = (
            f"Experiment {scorer.experiment_id} has no room for another scorer: at most {limits.SCORERS}, of "
            f"{limits.SCORERS_JSON} characters together. Delete some."
        )
        raise invalid(message)
    if room.versions >= limits.SCORER_VERSIONS or room.size + size > limits.SCORERS_JSON:
        message = (
            f"Scorer '{scorer.name}' has no room for another version: at most {limits.SCORER_VERSIONS}, of "
            f"{limits.SCORERS_JSON} characters together. Delete some."
        )
        raise invalid(message)


async def list_scorers(query: ListScorers, tx: Transaction) -> ListScorersReply:
    """Return the newest versions of scorers."""
    if query.experiment_id and query.experiment_ids is not None:
        message = (
            "Cannot specify both 'experiment_id' and 'experiment_ids'. Use 'experiment_ids' to scope the query to "
            "multiple experiments, or 'experiment_id' to scope it to a single experiment."
        )
        raise invalid(message)
    if query.experiment_id:
        experiment_id = parse_experiment_id(query.experiment_id)
        await check_active(tx, experiment_id)
        experiments = [experiment_id]
    else:
        experiments = await _active_experiments(tx, query.experiment_ids)
    return _listed(await scorers.newest(tx, experiments))


_INACTIVE = (ErrorCode.RESOURCE_DOES_NOT_EXIST, ErrorCode.INVALID_PARAMETER_VALUE)
"""The errors of ``check_active`` for experiments that are missing or deleted."""


async def _active_experiments(tx: Transaction, given: list[str] | None) -> list[int]:
    """Return those of some experiments, or of all, that have scorers and are active."""
    wanted = None if given is None else list({parse_experiment_id(each) for each in given})
    most = limits.SCORER_EXPERIMENTS
    found = await scorers.sizes(tx, wanted, most + 1)
    if len(found) > most or sum(size for _, size in found) > limits.SCORERS_JSON:
        message = (
            f"The scorers of at most {most} experiments, of {limits.SCORERS_JSON} characters together, can be listed "
            "at once. Name fewer experiments in 'experiment_ids'."
        )
        raise invalid(message)
    active = []
    for experiment_id, _ in found:
        try:
            await check_active(tx, experiment_id)
        except DomainError as error:
            if error.code not in _INACTIVE:
                raise
        else:
            active.append(experiment_id)
    return active


async def list_scorer_versions(query: ListScorerVersions, tx: Transaction) -> ListScorersReply:
    """Return all versions of a scorer."""
    found = await scorers.versions(tx, await _active(tx, query))
    if not found:
        raise _not_found(query)
    return _listed(found)


async def get_scorer(query: GetScorer, tx: Transaction) -> ScorerReply:
    """Return a version of a scorer."""
    found = await scorers.find(tx, await _active(tx, query), query.version)
    if found is None:
        raise await _version_not_found(tx, query)
    return ScorerReply(scorer=_scorer(found))


async def delete_scorer(cmd: DeleteScorer, tx: Transaction) -> Empty:
    """Delete a version of a scorer, or all.

    The last version takes the scorer with it. MLflow keeps the scorer without versions, whose configuration would
    then count for the next scorer of that name.
    """
    scorer_id = await scorers.lock(tx, _name(cmd))
    if scorer_id is None:
        raise _not_found(cmd)
    if cmd.version is not None:
        left = await scorers.delete_version(tx, scorer_id, cmd.version)
        if left is None:
            raise _not_found(cmd, cmd.version)
        if left:
            return Empty()
    await scorers.delete(tx, scorer_id)
    return Empty()


async def get_online_scoring_configs(
    query: GetOnlineScoringConfigs, tx: Transaction
) -> OnlineScoringConfigsReply:
    """Return the configurations of some scorers."""
    found = await scorers.online_configs(tx, query.scorer_ids)
    return OnlineScoringConfigsReply(configs=[_config(row) for row in found])


async def upsert_online_scoring_config(
    cmd: UpsertOnlineScoringConfig, tx: Transaction
) -> OnlineScoringConfigReply:
    """Replace the configuration of a scorer.

    MLflow's server runs only scorers that ask a model of its AI Gateway. Warren has no such models, so a rate above 0
    is refused as it is there without one.
    """
    if not 0 <= cmd.sample_rate <= 1:
        raise invalid(f"sample_rate must be between 0.0 and 1.0, got {cmd.sample_rate}")
    parse_filter(cmd.filter_string or "", TRACES)
    scorer = _name(cmd)
    if cmd.sample_rate and await scorers.find(tx, scorer, None):
        message = (
            f"Scorer '{cmd.name}' does not use a gateway model. Automatic evaluation is only supported for scorers "
            "that use gateway models."
        )
        raise invalid(message)
    config_id = tx.envelope.id.hex
    found = await scorers.set_online_config(
        tx, scorer, config_id, cmd.sample_rate, cmd.filter_string
    )
    if found is None:
        raise _not_found(cmd)
    return OnlineScoringConfigReply(config=_config(found))


_Named = RegisterScorer | ListScorerVersions | GetScorer | DeleteScorer | UpsertOnlineScoringConfig


def _name(message: _Named) -> Name:
    return Name(parse_experiment_id(message.experiment_id), message.name)


async def _active(tx: Transaction, query: ListScorerVersions | GetScorer) -> Name:
    """Return the key of a scorer. Raises DomainError unless its experiment is active."""
    await check_active(tx, _name(query).experiment_id)
    return _name(query)


def _not_found(message: _Named, version: int | None = None) -> DomainError:
    which = "" if version is None else f" and version {version}"
    return missing_resource(
        f"Scorer with name '{message.name}'{which} not found for experiment {message.experiment_id}."
    )


async def _version_not_found(tx: Transaction, query: GetScorer) -> DomainError:
    exists = query.version is not None and await scorers.find(tx, _name(query), None)
    return _not_found(query, query.version if exists else None)


def _listed(rows: list[Record]) -> ListScorersReply:
    return ListScorersReply(scorers=[_scorer(row) for row in rows])


def _scorer(row: Record) -> Scorer:
    return Scorer(
        experiment_id=row["experiment_id"],
        scorer_name=row["name"],
        scorer_version=row["version"],
        serialized_scorer=row["serialized_scorer"],
        creation_time=row["creation_time"],
        scorer_id=row["scorer_id"],
    )


def _config(row: Record) -> OnlineScoringConfig:
    return OnlineScoringConfig(
        online_scoring_config_id=row["online_config_id"],
        scorer_id=row["scorer_id"],
        sample_rate=row["sample_rate"],
        experiment_id=str(row["experiment_id"]),
        filter_string=row["filter_string"],
    )


HANDLERS: Mapping[type[Message], Handler[Transaction]] = {
    RegisterScorer: register_scorer,
    ListScorers: list_scorers,
    ListScorerVersions: list_scorer_versions,
    GetScorer: get_scorer,
    DeleteScorer: delete_scorer,
    GetOnlineScoringConfigs: get_online_scoring_configs,
    UpsertOnlineScoringConfig: upsert_online_scoring_config,
}
