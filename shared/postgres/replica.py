"""One address of read replicas: runs queries there, pauses after a fault, and resumes by itself (ADR 67).

A server is asked for its position on the connection that then runs the query, since an address may lead to several
servers (a Service of Kubernetes, a load balancer).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar
from urllib.parse import urlsplit

import asyncpg
import structlog
from asyncpg import Pool, Record

from shared.postgres.connection import AnyConnection
from shared.postgres.read_index import SQL, UNANSWERED, Position, ReadIndex

log = structlog.get_logger()

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ReplicaLimits:
    """Times in seconds."""

    catch_up_timeout: float = 0.02
    """How long a query waits until a replica has replayed what the query must show."""

    poll_interval: float = 0.002
    """Between two questions for the position of a replica for which a query waits."""

    probe_timeout: float = 1.0
    """How long a server may take to connect, or to tell its position. After that it counts as hanging."""

    probe_interval: float = 1.0
    """Between two probes of a replica in use."""

    query_timeout: float = 10.0
    """How long a query may take on a replica. The probes notice earlier that a server hangs."""

    first_pause: float = 0.5
    """Pause of a replica after a fault. Each further pause is twice as long."""

    longest_pause: float = 30.0
    """Longest pause after a fault."""

    first_lag_pause: float = 0.1
    """Pause of a replica that was behind. It doubles up to ``probe_interval``."""

    faults_remembered: float = 60.0
    """Time without a fault after which a pause is short again."""


class PrimaryReason(StrEnum):
    """Why the primary runs a query."""

    PRIMARY_ONLY = "primary_only"
    """The query must run there, or it is the process's first one of its project, or it is late."""

    NONE_READY = "none_ready"
    """No replica is in use at the moment."""

    POSITION_UNKNOWN = "position_unknown"
    """The primary did not tell its position."""

    BEHIND = "behind"
    """The replica has not replayed in time what the query must show."""

    NOT_STANDBY = "not_standby"
    """The server is no standby: it was promoted, or it is the primary."""

    OTHER_PRIMARY = "other_primary"
    """The server follows another primary or timeline, or is another database. One that is far behind looks alike."""

    UNREACHABLE = "unreachable"
    """The connection failed."""

    HANGING = "hanging"
    """The server did not answer in time."""

    CONFLICT = "conflict"
    """The replica cancelled the query to replay a change of the primary, such as a vacuum."""

    REFUSED = "refused"
    """The replica answered with another error. The primary's answer counts."""


class UsePrimaryError(Exception):
    """The primary must run this query."""

    def __init__(self, reason: PrimaryReason) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ReplicaConnections:
    """Connections to the servers of an address: a pool for queries, and single connections for probes."""

    address: str
    pool: "Pool[Record]"
    connect: Callable[[], Awaitable[AnyConnection]]


class Replica:
    """One address. It is used as soon as a probe of ``watch`` has succeeded."""

    def __init__(self, source: ReplicaConnections, index: ReadIndex, limits: ReplicaLimits) -> None:
        self.address = source.address
        self.state: PrimaryReason | None = PrimaryReason.UNREACHABLE
        """Why the replica is not used; None while it is."""
        self.lag: int | None = None
        """Bytes of the primary's log that the replica lacked when it last told its position; None if unknown."""
        self.running = 0
        self.served = 0
        self._source = source
        self._index = index
        self._limits = limits
        self._bounds: set[asyncio.Timeout] = set()
        self._paused = asyncio.Event()
        self._paused_until = 0.0
        self._faults = 0
        self._last_fault = 0.0

    async def read(self, position: Position, work: Callable[[AnyConnection], Awaitable[T]]) -> T:
        """Run a query on a server that has replayed a position.

        Raises UsePrimaryError, and what ``work`` raises that is no error of PostgreSQL.
        """
        self.running += 1
        self.served += 1
        try:
            async with self._bounded(), self._connection() as connection:
                await self._reach(connection, position)
                return await work(connection)
        except UsePrimaryError as error:
            self._pause(error.reason)
            raise
        except UNANSWERED as error:
            reason = _reason_of(error)
            if reason is PrimaryReason.REFUSED:
                # The query may be at fault, and not the replica.
                log.warning("replica_refused", replica=self.address, error=repr(error))
            else:
                self._pause(reason, repr(error))
            raise UsePrimaryError(reason) from error
        finally:
            self.running -= 1

    async def watch(self) -> None:
        """Probe the replica until cancelled: whether it hangs, and whether it can be used again after a fault."""
        connection: AnyConnection | None = None
        try:
            while True:
                if self.state is not None:
                    await asyncio.sleep(self._paused_until - asyncio.get_running_loop().time())
                connection = await self._probe(connection)
                if self.state is None:
                    self._paused.clear()
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._paused.wait(), self._limits.probe_interval)
        finally:
            if connection is not None:
                connection.terminate()

    async def close(self) -> None:
        """Close the connections."""
        self._source.pool.terminate()

    async def _probe(self, connection: "AnyConnection | None") -> "AnyConnection | None":
        """Find out whether the replica can be used; return the connection for the next probe."""
        try:
            position = await self._index.now()
        except UNANSWERED:
            # Without the primary's position the replica can't be judged. No query runs there meanwhile, either.
            await asyncio.sleep(self._limits.probe_interval)
            return connection
        try:
            async with asyncio.timeout(self._limits.probe_timeout + self._limits.catch_up_timeout):
                if connection is None:
                    connection = await self._source.connect()
                await self._reach(connection, position)
        except UsePrimaryError as error:
            self._pause(error.reason)
            if error.reason is PrimaryReason.BEHIND:
                return connection
        except UNANSWERED as error:
            self.lag = None
            self._pause(_reason_of(error), repr(error))
        else:
            if asyncio.get_running_loop().time() >= self._paused_until:
                self._set_state(None)
            return connection
        if connection is not None:
            connection.terminate()
        return None

    async def _reach(self, connection: AnyConnection, position: Position) -> None:
        """Wait until a server has replayed a position. Raises UsePrimaryError."""
        loop = asyncio.get_running_loop()
        give_up = loop.time() + self._limits.catch_up_timeout
        while True:
            try:
                row = await connection.fetchrow(
                    SQL["replayed"].sql, timeout=self._limits.probe_timeout
                )
            except asyncpg.UndefinedTableError as error:
                raise UsePrimaryError(PrimaryReason.OTHER_PRIMARY) from error
            if row is None or not row["standby"]:
                self.lag = None
                raise UsePrimaryError(PrimaryReason.NOT_STANDBY)
            # Until the primary's mark is replayed the two positions may belong to different histories.
            same = row["mark"] == position.mark
            self.lag = max(position.lsn - row["lsn"], 0) if same else None
            if self.lag == 0:
                return
            if loop.time() >= give_up:
                raise UsePrimaryError(PrimaryReason.BEHIND if same else PrimaryReason.OTHER_PRIMARY)
            await asyncio.sleep(self._limits.poll_interval)

    @asynccontextmanager
    async def _bounded(self) -> AsyncIterator[None]:
        """Raise TimeoutError if a query takes too long, or if the server is found to hang meanwhile."""
        async with asyncio.timeout(self._limits.query_timeout) as bound:
            self._bounds.add(bound)
            try:
                yield
            finally:
                self._bounds.discard(bound)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AnyConnection]:
        """Take a connection from the pool. Close it if its server can't be used, or perhaps does not answer."""
        pool = self._source.pool
        connection = await pool.acquire()
        try:
            yield connection
        except UsePrimaryError as error:
            if error.reason is not PrimaryReason.BEHIND:
                # The next connection may lead to another server.
                connection.terminate()
            raise
        except (asyncio.CancelledError, TimeoutError):
            # Otherwise the release would wait until the server has cancelled the statement.
            connection.terminate()
            raise
        finally:
            await pool.release(connection)

    def _pause(self, reason: PrimaryReason, error: str = "") -> None:
        """Send the replica no queries for a while. If it hangs, end the queries that run there."""
        now = asyncio.get_running_loop().time()
        if reason is PrimaryReason.HANGING:
            for bound in self._bounds:
                # A timeout that has expired can't be changed.
                if (bound.when() or now) > now:
                    bound.reschedule(now)
        if self.state is not None and now < self._paused_until:
            return  # Queries that fail together count as one fault.
        limits = self._limits
        if now - self._last_fault > limits.faults_remembered:
            self._faults = 0
        first, longest = (
            (limits.first_lag_pause, limits.probe_interval)
            if reason is PrimaryReason.BEHIND
            else (limits.first_pause, limits.longest_pause)
        )
        self._paused_until = now + min(first * 2 ** min(self._faults, 16), longest)
        self._faults += 1
        self._last_fault = now
        self._set_state(reason, error)
        self._paused.set()

    def _set_state(self, state: PrimaryReason | None, error: str = "") -> None:
        if state is not self.state:
            if state is None:
                log.info("replica_ready", replica=self.address)
            else:
                log.warning("replica_paused", replica=self.address, reason=state, error=error)
        self.state = state


def address_of(dsn: str) -> str:
    """Return the hosts of a DSN, without user and password."""
    return urlsplit(dsn).netloc.rpartition("@")[2]


def _reason_of(error: Exception) -> PrimaryReason:
    """Tell what an error says about the replica."""
    if isinstance(error, TimeoutError):
        return PrimaryReason.HANGING
    if isinstance(error, asyncpg.SerializationError | asyncpg.DeadlockDetectedError):
        return PrimaryReason.CONFLICT
    if isinstance(error, ValueError):
        return PrimaryReason.REFUSED  # asyncpg can't encode a value of the query.
    if not isinstance(error, asyncpg.PostgresError):
        return PrimaryReason.UNREACHABLE
    # Classes of SQLSTATE: connections, logins, databases, resources, operators, the system.
    lost = (error.sqlstate or "").startswith(("08", "28", "3D", "53", "57P", "58"))
    return PrimaryReason.UNREACHABLE if lost else PrimaryReason.REFUSED
