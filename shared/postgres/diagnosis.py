"""The diagnosis of a service on PostgreSQL."""

from dataclasses import replace
from functools import cache

from shared.contracts.diagnosis import Diagnose, Diagnosis, ReplicaState
from shared.handling.handlers import Handler
from shared.postgres.clock import database_now
from shared.postgres.handlers import PostgresHandlers
from shared.postgres.migrate import service_migrations
from shared.postgres.queries import Statement
from shared.postgres.replicas import Replicas
from shared.postgres.transaction import Transaction
from shared.runtime.clock import now

_SCHEMA = Statement.of(
    "SELECT component, max(version) AS version FROM migrations GROUP BY component"
)


def diagnosis_of(service: str) -> Handler[Transaction]:
    """Return the handler of ``Diagnose`` for a service."""

    @cache
    def known() -> dict[str, int]:
        return {each.component: each.version for each in service_migrations(service)}

    async def diagnose(_query: Diagnose, tx: Transaction) -> Diagnosis:
        """Read the database's clock and the schema's version."""
        applied = {row["component"]: row["version"] for row in await tx.rows(_SCHEMA)}
        return Diagnosis(
            clocks={"process": now(), "database": await database_now(tx.connection)},
            schema_versions={
                component: (applied.get(component, 0), version)
                for component, version in known().items()
            },
        )

    return diagnose


def with_replicas_diagnosed(handlers: PostgresHandlers, replicas: Replicas) -> PostgresHandlers:
    """Add the state of a process's read replicas to its diagnosis."""
    of_primary = handlers.single[Diagnose]

    async def diagnose(query: Diagnose, tx: Transaction) -> Diagnosis:
        """Read the primary's clock and schema, and tell what is known of the replicas."""
        diagnosis = Diagnosis.model_validate(await of_primary(query, tx))
        states = {
            address: ReplicaState(state=state, lag=lag)
            for address, (state, lag) in replicas.states.items()
        }
        return diagnosis.model_copy(update={"replicas": states})

    return replace(handlers, single={**handlers.single, Diagnose: diagnose})
