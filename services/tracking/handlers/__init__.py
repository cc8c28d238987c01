"""All commands and queries of the tracking service.

The executor uses ``HANDLERS``: handlers of single messages, and batch handlers, which carry out all
messages of their types in a frame together.
"""

from services.tracking.folding import fold_forever
from services.tracking.handlers import (
    datasets,
    entity_types,
    experiments,
    log,
    logged_models,
    metrics,
    model_experiments,
    purges,
    runs,
)
from services.tracking.store.experiments import ensure as ensure_projects
from shared.contracts.diagnosis import Diagnose
from shared.contracts.experiments import GetExperimentTag
from shared.contracts.message import Message
from shared.contracts.purges import FindOwners
from shared.handling.handlers import Handler
from shared.postgres.diagnosis import diagnosis_of
from shared.postgres.handlers import PostgresHandlers
from shared.postgres.transaction import Transaction

SINGLE: dict[type[Message], Handler[Transaction]] = {
    **experiments.HANDLERS,
    **runs.HANDLERS,
    **metrics.HANDLERS,
    **datasets.HANDLERS,
    **logged_models.HANDLERS,
    **purges.HANDLERS,
    **entity_types.HANDLERS,
    Diagnose: diagnosis_of("tracking"),
    **model_experiments.HANDLERS,
}

HANDLERS = PostgresHandlers(
    single=SINGLE,
    batch=log.BATCH_HANDLERS,
    prepare=ensure_projects,
    events=model_experiments.EVENT_HANDLERS,
    is_idempotent_batch=log.is_points_only,
    background={"folding": lambda pool, _bus: fold_forever(pool)},
    # What is deleted follows from the answers of these: artifacts without an owner, traces that were kept long enough.
    # Should a replica ever be wrong, nothing is lost that can't be read again.
    primary_only=(Diagnose, FindOwners, GetExperimentTag),
)
