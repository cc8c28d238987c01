"""Loads contents into the servers' tables by SQL: through their APIs it would take hours."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg

from shared.postgres.queries import Statement, load_queries
from tests.bench.peers import FASTTRACKML, MLFLOW, WARREN
from tests.bench.scale.dataset import (
    FIRST_LONG_RUN,
    LISTED_EXPERIMENTS,
    LOGGED_MODELS,
    LONG_RUNS,
    MODELS,
    VERSIONS_EACH,
    Dataset,
    LongRun,
)

_PACKAGE = "tests.bench.scale.sql"
_CHUNK = 10_000
"""Runs that one transaction loads."""

_STUCK = 180.0
"""Seconds without progress after which waiting is given up."""

_CONTENT = load_queries(_PACKAGE, "content")
_LISTS = load_queries(_PACKAGE, "lists")
_STATEMENTS = {
    WARREN: load_queries(_PACKAGE, "warren"),
    FASTTRACKML: load_queries(_PACKAGE, "fasttrackml"),
    MLFLOW: load_queries(_PACKAGE, "mlflow"),
}
SCHEMAS = {WARREN: "tracking", FASTTRACKML: "public", MLFLOW: "public"}


@dataclass(frozen=True)
class Place:
    """Where a peer has the contents: ids of experiments, and of runs with long histories."""

    experiments: list[str]
    long_runs: list[str] = field(default_factory=list)


async def load_runs(peer: str, dsn: str, dataset: Dataset) -> Place:
    """Load a data set of runs, with progress."""
    statements = _STATEMENTS[peer]
    async with _loading(peer, dsn) as connection:
        first = await connection.fetchval(statements["experiments"].sql, dataset.experiments)
        began = time.monotonic()
        for start in range(0, dataset.runs, _CHUNK):
            end = min(start + _CHUNK, dataset.runs)
            arguments = (start, end - 1, first, dataset.experiments)
            async with connection.transaction():
                for name in ("runs", "metrics", "params", "tags"):
                    await _insert(connection, statements[name], arguments)
            seconds = time.monotonic() - began
            print(f"{peer}: {end:,} of {dataset.runs:,} runs after {seconds:.0f} s", flush=True)
    return Place([str(first + number) for number in range(dataset.experiments)])


async def load_histories(
    peer: str, dsn: str, runs: Sequence[LongRun] = LONG_RUNS, first_run: int = FIRST_LONG_RUN
) -> Place:
    """Load an experiment of these runs, with params and tags. `first_run` is the number of the first, of nine digits."""
    statements = _STATEMENTS[peer]
    last = first_run + len(runs) - 1
    async with _loading(peer, dsn) as connection, connection.transaction():
        first = await connection.fetchval(statements["experiments"].sql, 1)
        await _insert(connection, statements["runs"], (first_run, last, first, 1))
        for name in ("params", "tags"):
            await _insert(connection, statements[name], (first_run, last))
        for number, run in enumerate(runs, first_run):
            await _insert(connection, statements["long"], (number, run.metrics, run.points))
        ids = await connection.fetch("SELECT hex FROM pg_temp.runs($1, $2)", first_run, last)
    print(f"{peer}: {len(runs):,} runs with histories", flush=True)
    return Place([str(first)], [row["hex"] for row in ids])


async def load_lists(dsn: str) -> Place:
    """Load registered models, versions, logged models and experiments into Warren."""
    async with _loading(WARREN, dsn) as connection, connection.transaction():
        experiments = _STATEMENTS[WARREN]["experiments"]
        first = await connection.fetchval(experiments.sql, LISTED_EXPERIMENTS)
        await connection.execute(_LISTS["experiment_tags"].sql, first, LISTED_EXPERIMENTS)
        await connection.execute(_LISTS["models"].sql, MODELS, VERSIONS_EACH)
        await connection.execute(_LISTS["logged_models"].sql, LOGGED_MODELS, first)
    return Place([str(first)])


@asynccontextmanager
async def _loading(peer: str, dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """Open a connection that has the content's functions. At the end indexes are complete and tables analyzed."""
    statements = _STATEMENTS[peer]
    connection = await asyncpg.connect(dsn)
    try:
        # Foreign keys are not checked: the content is right, and a check costs as much as an insertion.
        await connection.execute("SET session_replication_role = replica")
        await connection.execute("SET synchronous_commit = off")
        await connection.execute("SET work_mem = '256MB'")
        await connection.execute("SET maintenance_work_mem = '1GB'")
        for function in _CONTENT.values():
            await connection.execute(function.sql)
        if "before" in statements:
            await connection.execute(statements["before"].sql)
        yield connection
        if "after" in statements:
            await connection.execute(statements["after"].sql)
        await connection.execute("VACUUM (ANALYZE)")
    finally:
        await connection.close()


async def wait_for_background_work(peer: str, dsn: str) -> None:
    """Wait until a server has done what it does with new contents in the background, with progress."""
    query = _STATEMENTS[peer].get("background_work")
    if query is None:
        return
    connection = await asyncpg.connect(dsn)
    try:
        left, progress = None, time.monotonic()
        while now := await connection.fetchval(query.sql):
            if left is None or now < left:
                left, progress = now, time.monotonic()
                print(f"{peer}: {left:,} runs to fold or series to cover", flush=True)
            elif time.monotonic() - progress > _STUCK:
                message = f"{peer} has done nothing in the background for {_STUCK:.0f} s"
                raise TimeoutError(message)
            await asyncio.sleep(2)
        if left:
            await connection.execute("VACUUM (ANALYZE)")
    finally:
        await connection.close()


async def _insert(
    connection: asyncpg.Connection, statement: Statement, arguments: tuple[int, ...]
) -> None:
    """Run a statement with as many of the arguments as it takes."""
    prepared = await connection.prepare(statement.sql)
    await prepared.fetch(*arguments[: len(prepared.get_parameters())])
