"""A private PostgreSQL server on a free loopback port."""

import hashlib
import hmac
import os
import secrets
import shutil
import signal
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

from deploy.local.embedded.account import Identity, identity_for
from deploy.local.embedded.pid_file import says_ready, wait_for_predecessor
from deploy.local.embedded.postgres_programs import find_programs, server_environment
from deploy.local.embedded.private import restrict_passage, restrict_tree, write_private
from deploy.local.embedded.process import Account, ChildProcess, Program
from deploy.local.embedded.server import EmbeddedServer

SUPERUSER = "warren"
_PROGRAMS = "programs"
_PID_FILE = "postmaster.pid"
_START_SECONDS = 60.0


@dataclass(frozen=True)
class _Launcher:
    """The directory of PostgreSQL's programs, and the user that runs them."""

    bin_dir: Path
    identity: Identity

    def command(self, program: str) -> tuple[str, ...]:
        """Return the beginning of a command line, up to the program's path."""
        return (*self.identity.prefix, str(self.bin_dir / program))


class EmbeddedPostgres(EmbeddedServer[_Launcher]):
    """One PostgreSQL cluster under `data_dir`.

    `bin_dir` holds `initdb` and `postgres`; the default is WARREN_POSTGRES_BIN or the wheel. `fsync=False` is for
    clusters that may be lost, such as those of tests.
    """

    product = "PostgreSQL"
    log_name = "postgres.log"
    port_count = 1
    # After a crash the shared memory of the old server may be in use for another moment.
    attempts = 5

    def __init__(self, data_dir: Path, bin_dir: Path | None = None, *, fsync: bool = True) -> None:
        """Prepare the server; `async with` or `start` runs it."""
        super().__init__(data_dir)
        self._cluster = self._data_dir / "cluster"
        self._bin_dir = bin_dir
        self._fsync = fsync
        self._password = ""

    def dsn(self, database: str, role: str = SUPERUSER) -> str:
        """Return the connection string of `role` for `database`."""
        return f"postgresql://{role}:{self.password_of(role)}@127.0.0.1:{self._ports[0]}/{database}"

    def password_of(self, role: str) -> str:
        """Return a role's password. It is derived from the superuser's, so only one secret is stored."""
        if role == SUPERUSER:
            return self._password
        return hmac.new(self._password.encode(), role.encode(), hashlib.sha256).hexdigest()[:32]

    async def _prepare(self) -> _Launcher:
        """Find the programs and their user. The first start creates the cluster."""
        restrict_tree(self._data_dir, but=_PROGRAMS)
        restrict_passage(self._data_dir)
        bin_dir = find_programs(self._bin_dir, self._data_dir / _PROGRAMS)
        launcher = _Launcher(bin_dir, identity_for(bin_dir / "postgres", self._cluster))
        await self._ensure_cluster(launcher)
        await wait_for_predecessor(self._cluster / _PID_FILE, self._cluster, self.product)
        return launcher

    async def _launch(self, prepared: _Launcher) -> None:
        self._process = ChildProcess(self._postgres(prepared))
        await self._process.start()
        ready = partial(says_ready, self._cluster / _PID_FILE)
        await self._process.wait_until(ready, _START_SECONDS)

    async def _ensure_cluster(self, launcher: _Launcher) -> None:
        """Run initdb if there is no cluster, or only the remains of an interrupted initdb."""
        password_file = self._data_dir / "password"
        if (self._cluster / "PG_VERSION").exists():
            self._password = password_file.read_text().strip()
            _own(self._cluster, launcher.identity.owner)
            return
        shutil.rmtree(self._cluster, ignore_errors=True)
        self._cluster.mkdir(mode=0o700)
        self._password = secrets.token_hex(16)
        write_private(password_file, self._password)
        # initdb runs as the server's user, and it reads the password file.
        for path in (self._cluster, password_file):
            _own(path, launcher.identity.owner)
        await ChildProcess(self._initdb(launcher, password_file)).run_to_end()

    def _initdb(self, launcher: _Launcher, password_file: Path) -> Program:
        options = {
            "-D": str(self._cluster),
            "-U": SUPERUSER,
            "-E": "UTF8",
        }
        return Program(
            name="initdb",
            arguments=[
                *launcher.command("initdb"),
                *chain.from_iterable(options.items()),
                "--no-locale",
                "--auth=scram-sha-256",
                f"--pwfile={password_file}",
                "--no-instructions",
                *(() if self._fsync else ("--no-sync",)),
            ],
            environment=server_environment(),
            log=self.log,
            account=launcher.identity.account,
        )

    def _postgres(self, launcher: _Launcher) -> Program:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self._ports[0]),
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
        return Program(
            name="postgres",
            arguments=[*launcher.command("postgres"), "-D", str(self._cluster), *options],
            environment=server_environment(),
            log=self.log,
            # PostgreSQL's fast mode closes all connections.
            stop_signal=signal.SIGINT,
            account=launcher.identity.account,
        )


def _own(path: Path, owner: Account) -> None:
    """Give a tree to the server's user. Only root has to do this, and only once."""
    if path.stat().st_uid == owner.uid or os.geteuid() != 0:
        return
    for each in (*path.rglob("*"), path):
        os.chown(each, owner.uid, owner.gid, follow_symlinks=False)
