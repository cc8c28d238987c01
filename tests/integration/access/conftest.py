"""The access service without a broker: its executor on a migrated schema."""

import json
import time
from typing import Any

import asyncpg
import pytest

from services.access.bootstrap import SCHEMA, ensure_root_token
from services.access.handlers import HANDLERS
from shared.bus.executor import Executor
from shared.bus.messages import Envelope, Frame, new_id
from shared.database.pool import open_pool
from shared.errors import DomainError
from shared.tokens import digest_of

ROOT_TOKEN = "glpat-root-root-root-root"


class Access:
    """Sends messages as the worker would."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self.pool = pool
        self.executor = Executor(pool, HANDLERS)

    async def call(self, name: str, user: int | str = "", /, **fields: Any) -> Any:
        """Carry out one message in a user's name and return its JSON. Raises DomainError."""
        payload = json.dumps(fields).encode()
        envelope = Envelope(
            new_id(), name, 1, payload, deadline=time.time() + 60, user=str(user), dialect="gitlab"
        )
        if HANDLERS.messages[name].kind == "queries":
            answer = await self.executor.query(envelope)
        else:
            frame = Frame(new_id(), "commands", [envelope])
            outcome = await self.executor.commands(frame, redelivered=False)
            assert not outcome.poison
            answer = outcome.answers[0]
        if answer.error:
            raise DomainError(answer.error, answer.body.decode())
        return json.loads(answer.body)

    async def authorize(self, token: str = "", project: str = "") -> Any:
        """Ask as a gateway does."""
        digest = digest_of(token) if token else ""
        return await self.call("Authorize", token_digest=digest, project=project)

    async def topics(self) -> list[str]:
        """Return the topics of all events, in their order."""
        rows = await self.pool.fetch("SELECT topic FROM outbox ORDER BY position")
        return [row["topic"] for row in rows]


@pytest.fixture
async def pool(database_dsn: str):
    """A pool on the schema of a database of the test's own, with a known first administrator."""
    await ensure_root_token(database_dsn, ROOT_TOKEN)
    pool = await open_pool(database_dsn, schema=SCHEMA, size=4, application_name="test")
    yield pool
    await pool.close()


@pytest.fixture
def access(pool: "asyncpg.Pool[asyncpg.Record]") -> Access:
    """The service."""
    return Access(pool)
