"""Measures what partitions of metric_points cost, and what its vacuum costs.

Loads the same points into a plain table and into tables that are partitioned by a hash of the series, and runs the
statements of the hot path on each in turn. It prints the result and writes no page.
"""

import argparse
import asyncio
import random
import shutil
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from deploy.local.embedded.postgres import EmbeddedPostgres
from tests.bench.machine import describe_machine, processor_seconds
from tests.web_server import ROOT

POINTS_EACH = 1_000
"""Points of a series."""

TOGETHER = 200
"""Series that are written at the same time, so that their points lie between each other's."""

_CHUNK = 1_000
"""Series that one COPY loads."""

TABLES = {"plain": 0, "hash_8": 8, "hash_16": 16}
"""Numbers of partitions."""

_COLUMNS = """
    project_id bigint NOT NULL,
    series_id bigint NOT NULL,
    step bigint NOT NULL,
    "timestamp" bigint NOT NULL,
    value double precision NOT NULL,
    model_id text,
    dataset_name text,
    dataset_digest text
"""

_CONTENT = """
    SELECT 1::bigint, series::bigint, step::bigint, 1760000000000 + step * 1000, random(),
        NULL::text, NULL::text, NULL::text
    FROM generate_series({first}, {last}, {together}) AS start
    CROSS JOIN generate_series(0, {points} - 1) AS step
    CROSS JOIN generate_series(start, start + {together} - 1) AS series
"""

_INSERT = """
    INSERT INTO {table} (
        project_id, series_id, step, "timestamp", value, model_id, dataset_name, dataset_digest
    )
    SELECT 1, series_id, step, 1760000000000 + step * 1000, value, NULL, NULL, NULL
    FROM unnest($1::bigint[], $2::bigint[], $3::double precision[]) AS point (series_id, step, value)
    ON CONFLICT DO NOTHING
"""

_NEWEST = """
    SELECT point.*
    FROM unnest($1::bigint[]) AS series (series_id)
    CROSS JOIN LATERAL (
        SELECT * FROM {table} AS point
        WHERE point.project_id = 1 AND point.series_id = series.series_id
        ORDER BY point.step DESC, point."timestamp" DESC, point.value DESC
        LIMIT 1
    ) AS point
"""

_HISTORY = """
    SELECT step, "timestamp", value FROM {table}
    WHERE project_id = 1 AND series_id = $1
    ORDER BY "timestamp", step, value
"""


_SIZE = """
    SELECT pg_total_relation_size($1::text::regclass)
        + coalesce(sum(pg_total_relation_size(inhrelid)), 0)::bigint
    FROM pg_inherits WHERE inhparent = $1::text::regclass
"""


@dataclass(frozen=True)
class Operation:
    """A statement, and how many series and points of each one call is about."""

    name: str
    sql: str
    series: int
    points: int = 0

    def arguments(self, series: int, chosen: random.Random, turn: int) -> list[Any]:
        """Return the arguments of one call: random series, and steps that none of them has yet."""
        wanted = sorted(chosen.sample(range(1, series + 1), self.series))
        if not self.points:
            return [wanted] if "unnest" in self.sql else wanted
        rows = [
            (each, POINTS_EACH + turn * self.points + step, chosen.random())
            for each in wanted
            for step in range(self.points)
        ]
        return [list(column) for column in zip(*rows, strict=True)]


OPERATIONS = (
    Operation("insert 1 point in each of 100 series", _INSERT, 100, 1),
    Operation("insert 100 points in each of 10 series", _INSERT, 10, 100),
    Operation("newest points of 1 series", _NEWEST, 1),
    Operation("newest points of 10 series", _NEWEST, 10),
    Operation("history of 1,000 points", _HISTORY, 1),
)


@dataclass(frozen=True)
class Cost:
    """What a call costs: milliseconds on the clock, milliseconds of the server's processor, bytes of WAL."""

    clock: float
    processor: float
    wal: float


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.partitions", description=__doc__)
    parser.add_argument(
        "--points", type=int, default=50_000_000, help="points (default: 50 million, 20 GB)"
    )
    parser.add_argument(
        "--calls", type=int, default=200, help="statements of a round (default: 200)"
    )
    parser.add_argument(
        "--rounds", type=int, default=5, help="rounds; their median counts (default: 5)"
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=ROOT / ".warren" / "partitions",
        help="directory of the server's data; deleted first (default: .warren/partitions)",
    )
    parser.add_argument(
        "--tables",
        nargs="+",
        choices=[*TABLES],
        default=[*TABLES],
        help="tables to compare (default: all)",
    )
    options = parser.parse_args()
    shutil.rmtree(options.data, ignore_errors=True)
    options.data.mkdir(parents=True)
    asyncio.run(_bench(options))
    shutil.rmtree(options.data)


async def _bench(options: argparse.Namespace) -> None:
    series = options.points // POINTS_EACH // _CHUNK * _CHUNK
    print(f"{describe_machine()}; {series:,} series of {POINTS_EACH:,} points", flush=True)
    async with EmbeddedPostgres(options.data.absolute() / "postgres") as postgres:
        connection = await asyncpg.connect(postgres.dsn("postgres"))
        try:
            await _load(connection, series, options.tables)
            for operation in OPERATIONS:
                await _compare(connection, operation, series, options)
            await _vacuum(connection, series, options.tables)
        finally:
            await connection.close()


async def _load(connection: asyncpg.Connection, series: int, tables: Sequence[str]) -> None:
    """Copy the points into tables without an index, and make the primary keys."""
    # Vacuum is measured later, and must not have been there before.
    await connection.execute("ALTER SYSTEM SET autovacuum = off")
    await connection.execute("SELECT pg_reload_conf()")
    await connection.execute("SET maintenance_work_mem = '1GB'")
    await connection.execute("SET synchronous_commit = off")
    for table in tables:
        partitions = TABLES[table]
        kind = " PARTITION BY HASH (series_id)" if partitions else ""
        await connection.execute(f"CREATE TABLE {table} ({_COLUMNS}){kind}")
        for number in range(partitions):
            await connection.execute(
                f"CREATE TABLE {table}_{number} PARTITION OF {table} "
                f"FOR VALUES WITH (MODULUS {partitions}, REMAINDER {number})"
            )
    folder = await connection.fetchval("SHOW data_directory")
    file = f"{folder}/points"
    took = dict.fromkeys(tables, 0.0)
    for first in range(1, series + 1, _CHUNK):
        content = _CONTENT.format(
            first=first, last=first + _CHUNK - 1, together=TOGETHER, points=POINTS_EACH
        )
        await connection.execute(f"COPY ({content}) TO '{file}' (FORMAT binary)")
        for table in tables:
            began = time.monotonic()
            await connection.execute(f"COPY {table} FROM '{file}' (FORMAT binary)")
            took[table] += time.monotonic() - began
        print(f"{first + _CHUNK - 1:,} of {series:,} series", flush=True)
    for table in tables:
        began = time.monotonic()
        await connection.execute(
            f'ALTER TABLE {table} ADD PRIMARY KEY (project_id, series_id, step, "timestamp", value)'
        )
        await connection.execute(f"ANALYZE {table}")
        built = time.monotonic() - began
        size = await connection.fetchval(_SIZE, table)
        print(f"{table}: COPY {took[table]:.0f} s, index {built:.0f} s, {size:,} bytes", flush=True)
    await connection.execute("SET synchronous_commit = on")


async def _compare(
    connection: asyncpg.Connection, operation: Operation, series: int, options: argparse.Namespace
) -> None:
    """Run an operation on each table in turn, round by round, and print the medians."""
    prepared = {
        table: await connection.prepare(operation.sql.format(table=table))
        for table in options.tables
    }
    costs: dict[str, list[Cost]] = {table: [] for table in options.tables}
    for number in range(options.rounds):
        turn = number % len(options.tables)
        for table in options.tables[turn:] + options.tables[:turn]:
            # The first change of a page after a checkpoint writes the whole page: all tables start alike.
            await connection.execute("CHECKPOINT")
            chosen = random.Random(number)
            calls = [
                operation.arguments(series, chosen, number * options.calls + call)
                for call in range(options.calls)
            ]
            costs[table].append(await _cost(connection, prepared[table], calls))
    print(operation.name)
    for table, rounds in costs.items():
        clock, processor, wal = (
            statistics.median(getattr(each, name) for each in rounds)
            for name in ("clock", "processor", "wal")
        )
        print(
            f"  {table:<8} {clock:8.3f} ms, processor {processor:8.3f} ms, WAL {wal:10,.0f} bytes",
            flush=True,
        )


async def _cost(
    connection: asyncpg.Connection,
    statement: "asyncpg.prepared_stmt.PreparedStatement[Any]",
    calls: Sequence[Sequence[Any]],
) -> Cost:
    pid = connection.get_server_pid()
    wal, processor, began = await _wal(connection), processor_seconds([pid]), time.perf_counter()
    for arguments in calls:
        await statement.fetch(*arguments)
    count = len(calls)
    return Cost(
        (time.perf_counter() - began) * 1000 / count,
        (processor_seconds([pid]) - processor) * 1000 / count,
        (await _wal(connection) - wal) / count,
    )


async def _vacuum(connection: asyncpg.Connection, series: int, tables: Sequence[str]) -> None:
    """Print what vacuum costs, once with the defaults and once if it freezes at once, and after further points."""
    size = series * POINTS_EACH // 20
    more = _CONTENT.format(
        first=series + 1, last=series + TOGETHER, together=TOGETHER, points=size // TOGETHER
    )
    for table, age in zip((tables[0], tables[-1]), (50_000_000, 0), strict=True):
        await connection.execute(f"SET vacuum_freeze_min_age = {age}")
        name = f"{table}, vacuum_freeze_min_age {age:,}"
        await _timed(connection, f"{name}: first VACUUM", f"VACUUM {table}")
        await connection.execute(f"INSERT INTO {table} {more}")
        await _timed(connection, f"{name}: VACUUM after {size:,} points", f"VACUUM {table}")
        await _timed(connection, f"{name}: VACUUM (FREEZE)", f"VACUUM (FREEZE) {table}")


async def _timed(connection: asyncpg.Connection, name: str, sql: str) -> None:
    pid = connection.get_server_pid()
    wal, processor, began = await _wal(connection), processor_seconds([pid]), time.monotonic()
    await connection.execute(sql)
    seconds, written = time.monotonic() - began, await _wal(connection) - wal
    used = processor_seconds([pid]) - processor
    print(f"{name}: {seconds:.1f} s, processor {used:.1f} s, WAL {written:,} bytes", flush=True)


async def _wal(connection: asyncpg.Connection) -> int:
    position: int = await connection.fetchval("SELECT (pg_current_wal_lsn() - '0/0')::bigint")
    return position


if __name__ == "__main__":
    main()
