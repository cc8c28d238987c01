"""A service small enough to see through: it counts, and misbehaves on demand."""

import asyncio
from collections.abc import Sequence

from pydantic import Field

from shared.contracts.errors import invalid
from shared.contracts.message import (
    Command,
    DomainEvent,
    Query,
    Required,
    Wire,
)
from shared.messaging.topology import Layout
from shared.postgres.handlers import BatchItem, BatchResult, PostgresHandlers
from shared.postgres.queries import Statement
from shared.postgres.transaction import Transaction

SCHEMA = """
    CREATE TABLE counters (name text PRIMARY KEY, total bigint NOT NULL CHECK (total < 1000));
    CREATE TABLE log (position bigint GENERATED ALWAYS AS IDENTITY, name text NOT NULL);
"""


class Add(Command):
    service = "toy"
    name: Required
    amount: int = 1


class AddThenRefuse(Command):
    service = "toy"
    name: Required


class Append(Command):
    """Fused with its neighbours."""

    service = "toy"
    name: Required


class Crash(Command):
    service = "toy"


class Read(Query):
    service = "toy"
    name: Required
    delay: float = Field(default=0.0)


class ReadLong(Query):
    service = "toy"
    megabytes: int


class AddAsMuchAs(Command):
    """Asks a service for another counter's total, then adds it."""

    service = "toy"
    name: Required
    other: Required


class CounterChanged(DomainEvent):
    topic = "counter.changed"
    name: str


class Total(Wire):
    total: int


async def add(cmd: Add, tx: Transaction) -> Total:
    row = await tx.row(
        Statement.of(
            "INSERT INTO counters VALUES ($1, $2) "
            "ON CONFLICT (name) DO UPDATE SET total = counters.total + $2 RETURNING total"
        ),
        cmd.name,
        cmd.amount,
    )
    tx.emit(CounterChanged(name=cmd.name))
    return Total(total=row["total"])


async def add_as_much_as(cmd: AddAsMuchAs, tx: Transaction) -> Total:
    answer = await tx.query(Read(name=cmd.other))
    return await add(Add(name=cmd.name, amount=Total.model_validate_json(answer).total), tx)


async def add_then_refuse(cmd: AddThenRefuse, tx: Transaction) -> Total:
    await add(Add(name=cmd.name), tx)
    message = "refused after writing"
    raise invalid(message)


async def append(calls: Sequence[BatchItem[Append]], connection) -> list[BatchResult]:
    names = [call.message.name for call in calls]
    await connection.execute("INSERT INTO log (name) SELECT unnest($1::text[])", names)
    return [b"%d" % len(calls)] * len(calls)


async def crash(cmd: Crash, tx: Transaction) -> Total:
    message = "a bug"
    raise ZeroDivisionError(message)


async def read(query: Read, tx: Transaction) -> Total:
    await asyncio.sleep(query.delay)
    total = await tx.value(Statement.of("SELECT total FROM counters WHERE name = $1"), query.name)
    return Total(total=total or 0)


async def read_long(query: ReadLong, tx: Transaction) -> bytes:
    return bytes(range(256)) * (4096 * query.megabytes)


async def on_counter_changed(event: CounterChanged, tx: Transaction) -> None:
    await tx.execute(
        Statement.of("INSERT INTO log (name) VALUES ($1)"), f"{tx.project}: {event.name}"
    )
    if event.name == "poison":
        message = "a bug"
        raise ZeroDivisionError(message)


SUBSCRIPTIONS = {"toy": {"toy": [CounterChanged.topic]}}

LAYOUT = Layout(
    subscriptions=SUBSCRIPTIONS, asks={"toy": {"toy": None}}, listeners={"toy": ["toy"]}
)
"""It asks, hears and answers itself."""

HANDLERS = PostgresHandlers(
    single={
        Add: add,
        AddAsMuchAs: add_as_much_as,
        AddThenRefuse: add_then_refuse,
        Crash: crash,
        Read: read,
        ReadLong: read_long,
    },
    batch={Append: append},
    events={CounterChanged: on_counter_changed},
)
