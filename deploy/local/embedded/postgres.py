"""A private PostgreSQL server on a free loopback port."""

import asyncio
import hashlib
import hmac
import os
import secrets
import shutil
import signal
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.local.embedded.account import Identity, identity_for
from deploy.local.embedded.lock import DirectoryLock
from deploy.local.embedded.pid_file import becomes_ready, wait_for_predecessor
from deploy.local.embedded.postgres_programs import find_programs, server_environment
from deploy.local.embedded.private import close_on_the_way, close_tree, write_private
from deploy.local.embedded.process import (
    Account,
    ChildProcess,
    ProcessFailedError,
    Program,
    free_ports,
)

SUPERUSER = "warren"
_ATTEMPTS = 5
_PROGRAMS = "programs"


class EmbeddedPostgres:
    """One PostgreSQL cluster under `data_dir`: its files, its password (mode 600) and its log.

    `bin_dir` holds `initdb` and `postgres`; the default is WARREN_POSTGRES_BIN or the wheel. `fsync=False` is for
    clusters that may be lost, such as those of tests. The first start chooses a port. Later starts of the same
    object use the same one, so clients find the server again after a fault.
    """

    def __init__(self, data_dir: Path, bin_dir: Path | None = None, *, fsync: bool = True) -> None:
        """Prepare the server; `async with` or `start` runs it."""
        self._data_dir = data_dir.absolute()
        self._cluster = self._data_dir / "cluster"
        self._bin_dir = bin_dir
        self._fsync = fsync
        self._port: int | None = None
        self._password = ""
        self._lock = DirectoryLock(self._data_dir)
        self._server: ChildProcess | None = None

    async def __aenter__(self) -> Self:
        """Start the server. The first start creates the cluster."""
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the server; its data remain."""
        await self.stop()

    @property
    def pid(self) -> int:
        """The process id of the postmaster."""
        return self._running_server().pid

    @property
    def log(self) -> Path:
        """The server's log file."""
        return self._data_dir / "postgres.log"

    def dsn(self, database: str, role: str = SUPERUSER) -> str:
        """Return the connection string of `role` for `database`."""
        return f"postgresql://{role}:{self.password_of(role)}@127.0.0.1:{self._port}/{database}"

    def password_of(self, role: str) -> str:
        """Return a role's password. It is derived from the superuser's, so only one secret is stored."""
        if role == SUPERUSER:
            return self._password
        return hmac.new(self._password.encode(), role.encode(), hashlib.sha256).hexdigest()[:32]

    async def start(self) -> None:
        """Start the server and return when it accepts connections."""
        self._lock.take()
        try:
            close_tree(self._data_dir, but=_PROGRAMS)
            close_on_the_way(self._data_dir)
            bin_dir = find_programs(self._bin_dir, self._data_dir / _PROGRAMS)
            identity = identity_for(bin_dir / "postgres", self._cluster)
            await self._ensure_cluster(bin_dir, identity)
            await wait_for_predecessor(
                self._cluster / "postmaster.pid", self._cluster, "PostgreSQL"
            )
            await self._start_server(bin_dir, identity)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Close all connections and shut down cleanly (PostgreSQL's fast mode)."""
        if self._server is not None:
            await self._server.stop()
            self._server = None
        self._lock.release()

    async def wait(self) -> int:
        """Wait for the server's end and return its exit code; -1 if it is not running."""
        return await self._server.wait() if self._server is not None else -1

    async def kill(self) -> None:
        """Kill the server, as a power cut would. `start` recovers it."""
        await self._running_server().kill()
        self._server = None
        self._lock.release()

    def _running_server(self) -> ChildProcess:
        if self._server is None:
            message = "PostgreSQL is not running"
            raise ProcessFailedError(message)
        return self._server

    async def _ensure_cluster(self, bin_dir: Path, identity: Identity) -> None:
        """Run initdb if there is no cluster, or only the remains of an interrupted initdb."""
        password_file = self._data_dir / "password"
        if (self._cluster / "PG_VERSION").exists():
            self._password = password_file.read_text().strip()
            _own(self._cluster, identity.owner)
            return
        shutil.rmtree(self._cluster, ignore_errors=True)
        self._cluster.mkdir(mode=0o700)
        self._password = secrets.token_hex(16)
        write_private(password_file, self._password)
        # initdb runs as the server's user, and it reads the password file.
        for path in (self._cluster, password_file):
            _own(path, identity.owner)
        await ChildProcess(self._initdb(bin_dir, identity, password_file)).run_to_end()

    def _initdb(self, bin_dir: Path, identity: Identity, password_file: Path) -> Program:
        arguments = [
            *identity.prefix,
            *(
                str(bin_dir / "initdb"),
                "-D",
                str(self._cluster),
                "-U",
                SUPERUSER,
                "-E",
                "UTF8",
                "--no-locale",
            ),
            *("--auth=scram-sha-256", f"--pwfile={password_file}", "--no-instructions"),
            *(() if self._fsync else ("--no-sync",)),
        ]
        environment = server_environment()
        return Program(
            name="initdb",
            arguments=arguments,
            environment=environment,
            log=self.log,
            account=identity.account,
        )

    async def _start_server(self, bin_dir: Path, identity: Identity) -> None:
        """Start the server. Try several times: a port may be taken, or a crashed server's memory still in use."""
        known_port = self._port
        for attempt in range(1, _ATTEMPTS + 1):
            port = known_port or free_ports(1)[0]
            self._server = ChildProcess(self._postgres(bin_dir, identity, port))
            await self._server.start()
            if await becomes_ready(self._cluster, self._server):
                self._port = port
                return
            if attempt == _ATTEMPTS:
                raise ProcessFailedError(self._server.describe_failure())
            await asyncio.sleep(0.5)

    def _postgres(self, bin_dir: Path, identity: Identity, port: int) -> Program:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": "",
            "shared_buffers": "128MB",
            "max_connections": "200",
            "wal_compression": "on",
            "max_wal_size": "2GB",
            "checkpoint_timeout": "15min",
            "log_min_messages": "warning",
            "fsync": "on" if self._fsync else "off",
            "full_page_writes": "on" if self._fsync else "off",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        arguments = [
            *identity.prefix,
            str(bin_dir / "postgres"),
            "-D",
            str(self._cluster),
            *options,
        ]
        return Program(
            name="postgres",
            arguments=arguments,
            environment=server_environment(),
            log=self.log,
            stop_signal=signal.SIGINT,
            account=identity.account,
        )


def _own(path: Path, owner: Account) -> None:
    """Give a tree to the server's user. Only root has to do this, and only once."""
    if path.stat().st_uid == owner.uid or os.geteuid() != 0:
        return
    for each in (*path.rglob("*"), path):
        os.chown(each, owner.uid, owner.gid, follow_symlinks=False)
