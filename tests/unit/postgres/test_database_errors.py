"""What the executor does when no connection can be opened."""

import time
from typing import Any, cast

import asyncpg
import pytest

from services.tracking.handlers import HANDLERS
from shared.contracts.errors import ErrorCode
from shared.messaging.messages import Envelope, Frame, new_id
from shared.messaging.processor import RetryLaterError
from shared.postgres.executor import Executor


class FailingPool:
    """A pool whose server fails while a connection is opened."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def get_max_size(self) -> int:
        """Return the number of connections."""
        return 2

    def acquire(self) -> Any:
        """Fail."""
        raise self.error


ERRORS = pytest.mark.parametrize(
    "error",
    [
        asyncpg.InternalClientError("the server was killed in the handshake"),
        asyncpg.CannotConnectNowError("the database system is starting up"),
        ConnectionRefusedError(),
    ],
)


def executor(error: Exception) -> Executor:
    return Executor(cast("Any", FailingPool(error)), HANDLERS)


def message(name: str, payload: bytes) -> Envelope:
    return Envelope(new_id(), name, 1, payload, time.time() + 60)


@ERRORS
async def test_commands_are_retried_later(error: Exception) -> None:
    command = message("SetTag", b'{"run_id": "r", "key": "k", "value": "v"}')
    with pytest.raises(RetryLaterError):
        await executor(error).commands(Frame(new_id(), "commands", [command]), redelivered=False)


@ERRORS
async def test_a_query_is_answered_with_temporarily_unavailable(error: Exception) -> None:
    answer = await executor(error).query(message("GetRun", b'{"run_id": "r"}'))
    assert answer.error is ErrorCode.TEMPORARILY_UNAVAILABLE
