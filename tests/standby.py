"""A streaming replica of an embedded PostgreSQL server."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import asyncpg

from deploy.local.embedded.postgres import EmbeddedPostgres
from deploy.local.embedded.postgres_programs import server_environment
from deploy.local.embedded.process import ChildProcess, Program


class Standby(EmbeddedPostgres):
    """A hot standby. Its first start copies the primary, which must be running."""

    def __init__(self, data_dir: Path, primary: EmbeddedPostgres) -> None:
        """Prepare the standby; `async with` or `start` runs it."""
        super().__init__(data_dir, fsync=False)
        self._primary = primary
        self._password = primary.password_of("warren")

    async def _ensure_cluster(self, launcher: Any) -> None:
        if (self._cluster / "PG_VERSION").exists():
            return
        self._cluster.mkdir(mode=0o700)
        owner = launcher.identity.owner
        for path in (self._data_dir, self._cluster):
            os.chown(path, owner.uid, owner.gid)
        options = {
            "-D": str(self._cluster),
            "-d": self._primary.dsn("postgres"),
            # The standby writes the connection to the primary to its own settings.
            "-R": "",
            "-c": "fast",
        }
        await ChildProcess(
            Program(
                name="pg_basebackup",
                arguments=[
                    *launcher.command("pg_basebackup"),
                    *(part for part in chain.from_iterable(options.items()) if part),
                    "--no-sync",
                ],
                environment=server_environment(),
                log=self.log,
                account=launcher.identity.account,
            )
        ).run_to_end()
        with (self._cluster / "postgresql.auto.conf").open("a") as settings:
            settings.write("wal_retrieve_retry_interval = '100ms'\n")

    async def do(self, statement: str) -> None:
        """Run a statement as the superuser."""
        connection = await asyncpg.connect(self.dsn("postgres"))
        await connection.execute(statement)
        await connection.close()

    async def promote(self) -> None:
        """Make it a primary of its own."""
        await self.do("SELECT pg_promote()")

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Let it replay nothing meanwhile."""
        await self.do("SELECT pg_wal_replay_pause()")
        try:
            yield
        finally:
            await self.do("SELECT pg_wal_replay_resume()")

    @asynccontextmanager
    async def stopped(self) -> AsyncIterator[None]:
        """Stop all of its processes meanwhile, as a machine does that hangs."""
        pids = self._pids()
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    def _pids(self) -> list[int]:
        postmaster = int((self._cluster / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text()
        # The postmaster first: then no process is started that is not stopped.
        return [postmaster, *(int(each) for each in children.split())]
