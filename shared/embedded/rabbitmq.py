"""A private RabbitMQ node on free loopback ports, with its own Erlang name server."""

import asyncio
import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from shared.embedded.process import ChildProcess, ProcessFailedError, Program, free_ports
from shared.embedded.rabbitmq_programs import DEFAULT_CACHE, RabbitPrograms, find_rabbitmq

_USER = "warren"
_NODE = "warren@localhost"
_START_SECONDS = 120.0
_ATTEMPTS = 3
_AMQP_HEADER = b"AMQP\x00\x00\x09\x01"


class EmbeddedRabbitMQ:
    """One node under `data_dir`: its messages, its credentials (mode 600) and its log.

    The ports are chosen at the first start and kept by later starts of the same object, so that
    clients find the node again after a fault. A quorum queue that is declared within the last
    second before `kill` may be unusable afterwards, since RabbitMQ 3.10 registers it lazily.
    """

    def __init__(self, data_dir: Path, cache: Path = DEFAULT_CACHE) -> None:
        """Describe the node; `async with` or `start` runs it, from `cache` if need be."""
        self._data_dir = data_dir.absolute()
        self._cache = cache
        self._ports: list[int] | None = None
        self._password = ""
        self._epmd: ChildProcess | None = None
        self._node: ChildProcess | None = None

    async def __aenter__(self) -> Self:
        """Start, downloading the programs first where there are none."""
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop; durable queues and their messages stay."""
        await self.stop()

    @property
    def url(self) -> str:
        """The connection string of the default virtual host."""
        return self.vhost_url("%2F")

    @property
    def pid(self) -> int:
        """The process id of the start script, which leads the process group of the whole node."""
        if self._node is None:
            message = "RabbitMQ is not running"
            raise ProcessFailedError(message)
        return self._node.pid

    @property
    def log(self) -> Path:
        """The file that the node writes to."""
        return self._data_dir / "rabbitmq.log"

    def vhost_url(self, vhost: str) -> str:
        """Return the connection string of a virtual host, which must exist."""
        port = self._ports[0] if self._ports else 0
        return f"amqp://{_USER}:{self._password}@127.0.0.1:{port}/{vhost}"

    async def start(self) -> None:
        """Start the node and return when it speaks AMQP."""
        programs = await find_rabbitmq(self._cache)
        self._data_dir.mkdir(parents=True, exist_ok=True)
        known_ports = self._ports
        for attempt in range(1, _ATTEMPTS + 1):
            self._ports = known_ports or free_ports(3)
            self._configure()
            try:
                await self._start_once(programs)
            except ProcessFailedError:
                await self.stop()
                if attempt == _ATTEMPTS:
                    raise
            except BaseException:
                await self.stop()
                raise
            else:
                return

    async def stop(self) -> None:
        """Shut the node down, then the name server that it needs until its end."""
        for process in (self._node, self._epmd):
            if process is not None:
                await process.stop()
        self._node = self._epmd = None

    async def wait(self) -> int:
        """Return the code that the server ended with, by itself or not; -1 where it does not run."""
        return await self._node.wait() if self._node is not None else -1

    async def kill(self) -> None:
        """Crash the node, as a power cut would; `start` recovers it."""
        for process in (self._node, self._epmd):
            if process is not None:
                await process.kill()
        self._node = self._epmd = None

    async def add_vhosts(self, names: Sequence[str]) -> None:
        """Make virtual hosts for our user, in one call, since each starts an Erlang machine."""
        listed = ",".join(f'<<"{name}">>' for name in names)
        user = f'<<"{_USER}">>'
        await self._ctl(
            "eval",
            f"[begin rabbit_vhost:add(V, {user}), rabbit_auth_backend_internal:set_permissions("
            f'{user}, V, <<".*">>, <<".*">>, <<".*">>, {user}) end || V <- [{listed}]].',
        )

    async def _ctl(self, *arguments: str) -> None:
        programs = await find_rabbitmq(self._cache)
        command = (str(programs.server.with_name("rabbitmqctl")), "-n", _NODE, *arguments)
        await self._child("rabbitmqctl", command, programs).run_to_end()

    def _configure(self) -> None:
        """Write the node's files; password and cookie are made once, since the node keeps them."""
        self._password = self._secret("password")
        self._secret(".erlang.cookie")
        configuration = (
            f"listeners.tcp.1 = 127.0.0.1:{self._port(0)}\n"
            f"default_user = {_USER}\n"
            f"default_pass = {self._password}\n"
            "log.console = true\n"
            "log.console.level = warning\n"
            "log.file = false\n"
            "vm_memory_high_watermark.absolute = 512MB\n"
            "disk_free_limit.absolute = 100MB\n"
        )
        config_file = self._data_dir / "rabbitmq.conf"
        config_file.touch(mode=0o600)
        config_file.write_text(configuration)
        (self._data_dir / "enabled_plugins").write_text("[].\n")

    def _secret(self, name: str) -> str:
        path = self._data_dir / name
        if not path.exists():
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_hex(16))
        return path.read_text()

    def _port(self, index: int) -> int:
        return self._ports[index] if self._ports else 0

    async def _start_once(self, programs: RabbitPrograms) -> None:
        """Start the name server first: the node would start one by itself, and leave it behind."""
        epmd = (str(programs.epmd), "-port", str(self._port(2)), "-address", "127.0.0.1")
        self._epmd = self._child("epmd", epmd, programs)
        await self._epmd.start()
        await self._answers(self._epmd, self._port(2), b"")
        self._node = self._child("rabbitmq", (str(programs.server),), programs)
        await self._node.start()
        await self._answers(self._node, self._port(0), _AMQP_HEADER)

    def _child(self, name: str, arguments: Sequence[str], programs: RabbitPrograms) -> ChildProcess:
        environment = self._environment(programs)
        return ChildProcess(
            Program(name=name, arguments=arguments, environment=environment, log=self.log)
        )

    def _environment(self, programs: RabbitPrograms) -> dict[str, str]:
        """Name every file and port, so that the machine's own RabbitMQ is left alone."""
        data = self._data_dir
        path = os.environ.get("PATH", os.defpath)
        return {
            "PATH": f"{programs.erlang}{os.pathsep}{path}" if programs.erlang else path,
            "HOME": str(data),
            "LANG": "C.UTF-8",
            "ERL_EPMD_PORT": str(self._port(2)),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_CRASH_DUMP_SECONDS": "0",
            "RABBITMQ_CONF_ENV_FILE": os.devnull,
            "RABBITMQ_CONFIG_FILE": str(data / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(data / "enabled_plugins"),
            "RABBITMQ_NODENAME": _NODE,
            "RABBITMQ_DIST_PORT": str(self._port(1)),
            "RABBITMQ_MNESIA_BASE": str(data / "mnesia"),
            "RABBITMQ_LOG_BASE": str(data / "log"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(data / "schema"),
            "RABBITMQ_SCHEMA_DIR": str(data / "schema"),
            "RABBITMQ_PID_FILE": str(data / "pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        }

    async def _answers(self, process: ChildProcess, port: int, greeting: bytes) -> None:
        """Wait until the port takes a connection and, where a greeting is given, answers it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_START_SECONDS):
                while process.running:
                    if await _greet(port, greeting):
                        return
                    await asyncio.sleep(0.1)
        await process.kill()
        raise ProcessFailedError(process.describe_failure())


async def _greet(port: int, greeting: bytes) -> bool:
    """See whether a greeting is answered; RabbitMQ answers AMQP's header."""
    try:
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(greeting)
                return not greeting or bool(await reader.read(1))
            finally:
                writer.close()
    except OSError:
        return False
