"""What an error says about a replica, and where an address leads."""

import asyncpg
import pytest

from shared.postgres.replica import Reason, _reason_of, address_of


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TimeoutError(), Reason.HANGING),
        (ConnectionRefusedError(), Reason.UNREACHABLE),
        (asyncpg.InterfaceError("the connection is closed"), Reason.UNREACHABLE),
        (asyncpg.InternalClientError("another operation is in progress"), Reason.UNREACHABLE),
        (asyncpg.ConnectionDoesNotExistError(), Reason.UNREACHABLE),
        (asyncpg.AdminShutdownError(), Reason.UNREACHABLE),
        (asyncpg.CannotConnectNowError(), Reason.UNREACHABLE),
        (asyncpg.TooManyConnectionsError(), Reason.UNREACHABLE),
        (asyncpg.InvalidPasswordError(), Reason.UNREACHABLE),
        (asyncpg.InvalidCatalogNameError(), Reason.UNREACHABLE),
        (asyncpg.SerializationError(), Reason.CONFLICT),
        (asyncpg.DeadlockDetectedError(), Reason.CONFLICT),
        # A client's query must not keep others away from the replica.
        (asyncpg.InvalidRegularExpressionError(), Reason.REFUSED),
        (asyncpg.QueryCanceledError(), Reason.REFUSED),
        (asyncpg.ReadOnlySQLTransactionError(), Reason.REFUSED),
    ],
)
def test_errors_of_servers_are_told_from_those_of_queries(error, reason):
    assert _reason_of(error) is reason


async def test_a_value_that_can_t_be_encoded_is_the_query_s_fault():
    error = type("Unencodable", (asyncpg.InterfaceError, ValueError), {})("out of range")
    assert _reason_of(error) is Reason.REFUSED


def test_an_address_has_no_password():
    assert address_of("postgresql://u:p%40@a:1,b:2/warren?sslmode=require") == "a:1,b:2"
    assert address_of("postgresql://a/warren") == "a"
