"""The type of a connection to PostgreSQL."""

from typing import TypeAlias

from asyncpg import Connection, Record
from asyncpg.pool import PoolConnectionProxy

AnyConnection: TypeAlias = "Connection[Record] | PoolConnectionProxy[Record]"
"""A connection, pooled or not. Quoted: only asyncpg's stubs know the type parameter."""
