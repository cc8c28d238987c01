"""A private S3 server (SeaweedFS) on free loopback ports."""

import os
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from pathlib import Path

import aiohttp

from deploy.local.embedded.pid_file import wait_for_predecessor
from deploy.local.embedded.private import restrict_tree, write_private
from deploy.local.embedded.process import ChildProcess, Program
from deploy.local.embedded.s3_accounts import Credentials, stored_credentials, write_accounts
from deploy.local.embedded.s3_programs import find_weed
from deploy.local.embedded.s3_security import RESTRICTIONS, write_security
from deploy.local.embedded.server import EmbeddedServer

_ADDRESS = "127.0.0.1"
_START_SECONDS = 30.0

_PARTS = ("s3", "master", "volume", "filer", "admin")
"""The servers inside of `weed mini`. Each has an HTTP and a gRPC port; clients use only the first one."""

_ACCOUNTS = "accounts.json"

_MEMORY = {"GOMEMLIMIT": "400MiB", "GOGC": "50"}
"""Memory settings of the Go runtime. Without a limit the server kept 700 MB after some large transfers. With 200 MiB
it collects garbage all the time, which takes a seventh of a core while idle. With these values it takes nothing."""


class EmbeddedS3(EmbeddedServer[Path]):
    """One S3 server under `data_dir`. The S3 port requires keys, the others a certificate.

    `program` is a `weed`; the default is WARREN_SEAWEEDFS or the wheel's program.

    `credentials` are the administrator's. `bucket_credentials` are the keys of a user that may read, write and list
    `bucket` and nothing else; the administrator makes that bucket (`provision_bucket`).
    """

    product = "SeaweedFS"
    log_name = "seaweedfs.log"
    port_count = 2 * len(_PARTS)
    stop_seconds = 10.0

    def __init__(self, data_dir: Path, program: Path | None = None, bucket: str = "") -> None:
        """Prepare the server; `async with` or `start` runs it."""
        super().__init__(data_dir)
        self._program = program
        self._pid_file = self._data_dir / "pid"
        self.bucket = bucket
        self.credentials = Credentials("", "")
        self.bucket_credentials = Credentials("", "")

    @property
    def endpoint(self) -> str:
        """The URL of the S3 interface."""
        return f"http://{_ADDRESS}:{self._ports[0]}"

    async def _prepare(self) -> Path:
        """Find the program and write the accounts."""
        program = find_weed(self._program)
        self._prepare_accounts()
        restrict_tree(self._data_dir)
        # The directory may be a symbolic link to a larger disk, which the call above does not follow.
        restrict_tree(self._data_dir / "objects")
        await wait_for_predecessor(self._pid_file, self._data_dir, self.product)
        return program

    async def _launch(self, prepared: Path) -> None:
        write_security(self._data_dir, _ADDRESS)
        self._process = ChildProcess(self._weed(prepared))
        await self._process.start()
        write_private(self._pid_file, str(self._process.pid))
        async with aiohttp.ClientSession() as session:
            await self._process.wait_until(partial(self._is_healthy, session), _START_SECONDS)

    async def _is_healthy(self, session: aiohttp.ClientSession) -> bool:
        with suppress(aiohttp.ClientError):
            async with session.get(f"{self.endpoint}/healthz") as answer:
                return answer.status == HTTPStatus.OK
        return False

    async def _after_end(self) -> None:
        """Delete the pid file and the sockets of an ended server. A killed server leaves its sockets."""
        # Without a process of its own the pid file is that of a predecessor.
        if self._process is not None:
            self._pid_file.unlink(missing_ok=True)
            for part, port in zip(_PARTS, self._ports[len(_PARTS) :], strict=True):
                Path(f"/tmp/seaweedfs-{part}-grpc-{port}.sock").unlink(missing_ok=True)  # noqa: S108
        await super()._after_end()

    def _prepare_accounts(self) -> None:
        """Read the stored keys, or make them, and write the server's table of accounts."""
        self.credentials = stored_credentials(self._data_dir / "credentials.json")
        if self.bucket:
            self.bucket_credentials = stored_credentials(self._data_dir / "bucket-credentials.json")
        accounts = (self.credentials, self.bucket_credentials, self.bucket)
        write_accounts(self._data_dir / _ACCOUNTS, *accounts)

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
            **RESTRICTIONS,
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
                # It writes its own log files to the directory for temporary files, and leaves them there.
                "TMPDIR": str(self._data_dir),
                **_MEMORY,
            },
            directory=self._data_dir,
            log=self.log,
        )
