"""A private S3 server (SeaweedFS) on free loopback ports."""

import asyncio
import os
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp

from deploy.local.embedded.lock import DirectoryLock
from deploy.local.embedded.pid_file import wait_for_predecessor
from deploy.local.embedded.private import close_tree, write_private
from deploy.local.embedded.process import ChildProcess, ProcessFailedError, Program, free_ports
from deploy.local.embedded.s3_accounts import Credentials, stored_credentials, write_accounts
from deploy.local.embedded.s3_programs import find_weed
from deploy.local.embedded.s3_security import CLOSED, write_security

_ADDRESS = "127.0.0.1"
_ATTEMPTS = 3
_START_SECONDS = 30.0
_STOP_SECONDS = 10.0

_PARTS = ("s3", "master", "volume", "filer", "admin")
"""The servers inside of `weed mini`. Each has an HTTP and a gRPC port; clients use only the first one."""

_ACCOUNTS = "accounts.json"

_MEMORY = {"GOMEMLIMIT": "400MiB", "GOGC": "50"}
"""Memory settings of the Go runtime. Without a limit the server kept 700 MB after some large transfers. With 200 MiB
it collects garbage all the time, which takes a seventh of a core while idle. With these values it takes nothing."""


class EmbeddedS3:
    """One S3 server under `data_dir`: its objects, its keys (mode 600) and its log.

    `program` is a `weed`; the default is WARREN_SEAWEEDFS or the wheel's program. The first start chooses the ports.
    Later starts of the same object use the same ones, so clients find the server again after a fault. All ports are
    on loopback. The S3 port requires keys, the others a certificate.

    `credentials` are the administrator's. `bucket_credentials` are the keys of a user that may read, write and list
    `bucket` and nothing else; the administrator makes that bucket (`provision_bucket`).
    """

    def __init__(self, data_dir: Path, program: Path | None = None, bucket: str = "") -> None:
        """Prepare the server; `async with` or `start` runs it."""
        self._data_dir = data_dir.absolute()
        self._program = program
        self._pid_file = self._data_dir / "pid"
        self._lock = DirectoryLock(self._data_dir)
        self._ports: list[int] = []
        self._server: ChildProcess | None = None
        self.bucket = bucket
        self.credentials = Credentials("", "")
        self.bucket_credentials = Credentials("", "")

    async def __aenter__(self) -> Self:
        """Start the server."""
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the server; its objects remain."""
        await self.stop()

    @property
    def pid(self) -> int:
        """The process id of the server."""
        if self._server is None:
            message = "the S3 server is not running"
            raise ProcessFailedError(message)
        return self._server.pid

    @property
    def endpoint(self) -> str:
        """The URL of the S3 interface."""
        return f"http://{_ADDRESS}:{self._ports[0]}"

    @property
    def log(self) -> Path:
        """The server's log file."""
        return self._data_dir / "seaweedfs.log"

    async def start(self) -> None:
        """Start the server and return when it answers."""
        self._lock.take()
        try:
            program = find_weed(self._program)
            self._prepare_accounts()
            close_tree(self._data_dir)
            # The directory may be a symbolic link to a larger disk, which the call above does not
            # follow.
            close_tree(self._data_dir / "objects")
            await wait_for_predecessor(self._pid_file, self._data_dir, "SeaweedFS")
            await self._start_server(program)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Shut down cleanly."""
        if self._server is not None:
            await self._server.stop(_STOP_SECONDS)
            self._server = None
            self._forget()
        self._lock.release()

    async def wait(self) -> int:
        """Wait for the server's end and return its exit code; -1 if it is not running."""
        return await self._server.wait() if self._server is not None else -1

    async def kill(self) -> None:
        """Kill the server, as a power cut would. `start` recovers it."""
        if self._server is not None:
            await self._server.kill()
            self._server = None
            self._forget()
        self._lock.release()

    def _forget(self) -> None:
        """Delete the pid file and the sockets of an ended server. A killed server leaves its sockets."""
        self._pid_file.unlink(missing_ok=True)
        for part, port in zip(_PARTS, self._ports[len(_PARTS) :], strict=True):
            Path(f"/tmp/seaweedfs-{part}-grpc-{port}.sock").unlink(missing_ok=True)  # noqa: S108

    def _prepare_accounts(self) -> None:
        """Read the stored keys, or make them, and write the server's table of accounts."""
        self.credentials = stored_credentials(self._data_dir / "credentials.json")
        if self.bucket:
            self.bucket_credentials = stored_credentials(self._data_dir / "bucket-credentials.json")
        accounts = (self.credentials, self.bucket_credentials, self.bucket)
        write_accounts(self._data_dir / _ACCOUNTS, *accounts)

    async def _start_server(self, program: Path) -> None:
        """Start the server, with several attempts on other ports: a port may be taken meanwhile."""
        known_ports = self._ports
        for attempt in range(1, _ATTEMPTS + 1):
            self._ports = known_ports or free_ports(2 * len(_PARTS))
            write_security(self._data_dir, _ADDRESS)
            self._server = ChildProcess(self._weed(program))
            await self._server.start()
            write_private(self._pid_file, str(self._server.pid))
            if await self._becomes_ready(self._server):
                return
            if attempt == _ATTEMPTS:
                raise ProcessFailedError(self._server.describe_failure())
            await asyncio.sleep(0.5)

    async def _becomes_ready(self, server: ChildProcess) -> bool:
        """Wait until the server is healthy. Returns False if it ends or hangs."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_START_SECONDS), aiohttp.ClientSession() as session:
                while server.running:
                    with suppress(aiohttp.ClientError):
                        async with session.get(f"{self.endpoint}/healthz") as answer:
                            if answer.status == HTTPStatus.OK:
                                return True
                    await asyncio.sleep(0.05)
        await server.stop(0)
        return False

    def _weed(self, program: Path) -> Program:
        http_ports, grpc_ports = self._ports[: len(_PARTS)], self._ports[len(_PARTS) :]
        # Every port is named: otherwise it would be the default one, or the HTTP port plus 10,000.
        ports = {
            **{f"{part}.port": port for part, port in zip(_PARTS, http_ports, strict=True)},
            **{f"{part}.port.grpc": port for part, port in zip(_PARTS, grpc_ports, strict=True)},
        }
        settings = {
            "dir": self._data_dir / "objects",
            "ip": _ADDRESS,
            "ip.bind": _ADDRESS,
            **ports,
            **CLOSED,
            "s3.config": _ACCOUNTS,
            "s3.port.iceberg": 0,
            "s3.port.lance": 0,
            "s3.autoCreateBucket": "false",
            "s3.allowDeleteBucketNotEmpty": "false",
            "webdav": "false",
            "admin.ui": "false",
            # Telemetry is on by default.
            "master.telemetry": "false",
            "volume.preStopSeconds": 0,
        }
        return Program(
            name="seaweedfs",
            arguments=(
                str(program),
                "mini",
                *(f"-{name}={value}" for name, value in settings.items()),
            ),
            environment={
                "PATH": os.environ.get("PATH", os.defpath),
                "HOME": str(self._data_dir),
                **_MEMORY,
            },
            directory=self._data_dir,
            log=self.log,
        )
