"""The reason that an error gives for not using a replica, and the hosts of an address."""

import asyncpg
import pytest

from shared.postgres.replica import PrimaryReason, _reason_of, address_of


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TimeoutError(), PrimaryReason.HANGING),
        (ConnectionRefusedError(), PrimaryReason.UNREACHABLE),
        (asyncpg.InterfaceError("the connection is closed"), PrimaryReason.UNREACHABLE),
        (
            asyncpg.InternalClientError("another operation is in progress"),
            PrimaryReason.UNREACHABLE,
        ),
        (asyncpg.ConnectionDoesNotExistError(), PrimaryReason.UNREACHABLE),
        (asyncpg.AdminShutdownError(), PrimaryReason.UNREACHABLE),
        (asyncpg.CannotConnectNowError(), PrimaryReason.UNREACHABLE),
        (asyncpg.TooManyConnectionsError(), PrimaryReason.UNREACHABLE),
        (asyncpg.InvalidPasswordError(), PrimaryReason.UNREACHABLE),
        (asyncpg.InvalidCatalogNameError(), PrimaryReason.UNREACHABLE),
        (asyncpg.SerializationError(), PrimaryReason.CONFLICT),
        (asyncpg.DeadlockDetectedError(), PrimaryReason.CONFLICT),
        # A client's query must not keep others away from the replica.
        (asyncpg.InvalidRegularExpressionError(), PrimaryReason.REFUSED),
        (asyncpg.QueryCanceledError(), PrimaryReason.REFUSED),
        (asyncpg.ReadOnlySQLTransactionError(), PrimaryReason.REFUSED),
    ],
)
def test_errors_of_servers_are_told_from_those_of_queries(error, reason):
    assert _reason_of(error) is reason


async def test_a_value_that_can_t_be_encoded_is_the_query_s_fault():
    error = type("Unencodable", (asyncpg.InterfaceError, ValueError), {})("out of range")
    assert _reason_of(error) is PrimaryReason.REFUSED


def test_an_address_has_no_password():
    assert address_of("postgresql://u:p%40@a:1,b:2/warren?sslmode=require") == "a:1,b:2"
    assert address_of("postgresql://a/warren") == "a"
