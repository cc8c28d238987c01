"""A private RabbitMQ node on free loopback ports, with its own Erlang name server."""

import asyncio
import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.local.embedded.erlang import NameServer, until_answered
from deploy.local.embedded.private import close_tree, write_private
from deploy.local.embedded.process import ChildProcess, ProcessFailedError, Program, free_ports
from deploy.local.embedded.rabbitmq_programs import DEFAULT_CACHE, RabbitPrograms, find_rabbitmq
from shared.messaging.accounts import Account, definitions

_USER = "warren"
_NODE = "warren@localhost"
_ATTEMPTS = 3
_AMQP_HEADER = b"AMQP\x00\x00\x09\x01"


@dataclass(frozen=True, kw_only=True)
class Membership:
    """A node's place in a cluster on this machine. All fields except `node` are equal in all members.

    `node` is one of `nodes`, each as `name@localhost`. The name server is not started by the node.
    """

    node: str
    nodes: Sequence[str]
    name_server: NameServer
    cookie: str
    password: str


class EmbeddedRabbitMQ:
    """One RabbitMQ node under `data_dir`: its messages, its credentials (mode 600) and its log.

    The first start chooses the ports. Later starts of the same object use the same ones, so clients find the node
    again after a fault. A quorum queue that was declared less than a second before `kill` may be unusable
    afterwards, because RabbitMQ 3.10 registers it lazily.
    """

    def __init__(
        self,
        data_dir: Path,
        cache: Path = DEFAULT_CACHE,
        membership: Membership | None = None,
        parties: Sequence[str] = (),
    ) -> None:
        """Prepare the node; `async with` or `start` runs it. Downloaded programs are kept in `cache`.

        With a `membership` the node joins the other members at its first start. Each of the `parties` gets an
        account with its own password and only the permissions that it needs.
        """
        self._parties = parties
        self._data_dir = data_dir.absolute()
        self._cache = cache
        self._ports: list[int] | None = None
        self._password = ""
        self._membership = membership
        self._name_server: NameServer | None = None
        self._node: ChildProcess | None = None

    async def __aenter__(self) -> Self:
        """Start the node. Missing programs are downloaded first."""
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the node. Durable queues and their messages remain."""
        await self.stop()

    @property
    def url(self) -> str:
        """The connection string of the default virtual host."""
        return self.vhost_url("%2F")

    @property
    def name(self) -> str:
        """The node's Erlang name."""
        return self._membership.node if self._membership else _NODE

    @property
    def pid(self) -> int:
        """The process id of the start script, which leads the process group of the whole node."""
        if self._node is None:
            message = "RabbitMQ is not running"
            raise ProcessFailedError(message)
        return self._node.pid

    @property
    def log(self) -> Path:
        """The node's log file."""
        return self._data_dir / "rabbitmq.log"

    def vhost_url(self, vhost: str) -> str:
        """Return the administrator's connection string of a virtual host, which must exist."""
        return self._url(_USER, self._password, vhost)

    def url_of(self, party: str) -> str:
        """Return the connection string of a party's account."""
        return self._url(party, self._secret(f"{party}.password", None), "%2F")

    def _url(self, user: str, password: str, vhost: str) -> str:
        return f"amqp://{user}:{password}@127.0.0.1:{self._port(0)}/{vhost}"

    async def start(self) -> None:
        """Start the node and return when it speaks AMQP."""
        programs = await find_rabbitmq(self._cache)
        close_tree(self._data_dir)
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
        """Stop the node, then the name server: the node needs it until its end."""
        for process in (self._node, self._name_server):
            if process is not None:
                await process.stop()
        self._node = self._name_server = None

    async def wait(self) -> int:
        """Wait for the node's end and return its exit code; -1 if it is not running."""
        return await self._node.wait() if self._node is not None else -1

    async def kill(self) -> None:
        """Kill the node, as a power cut would. `start` recovers it."""
        for process in (self._node, self._name_server):
            if process is not None:
                await process.kill()
        self._node = self._name_server = None

    async def add_vhosts(self, names: Sequence[str]) -> None:
        """Create virtual hosts for the default user, in one call: each call starts an Erlang machine."""
        listed = ",".join(f'<<"{name}">>' for name in names)
        user = f'<<"{_USER}">>'
        await self.control(
            "eval",
            f"[begin rabbit_vhost:add(V, {user}), rabbit_auth_backend_internal:set_permissions("
            f'{user}, V, <<".*">>, <<".*">>, <<".*">>, {user}) end || V <- [{listed}]].',
        )

    async def control(self, *arguments: str) -> str:
        """Run `rabbitmqctl` and return what it prints. Raises ProcessFailedError."""
        programs = await find_rabbitmq(self._cache)
        process = await asyncio.create_subprocess_exec(
            *(str(programs.server.with_name("rabbitmqctl")), "-n", self.name, *arguments),
            env=self._environment(programs),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        if process.returncode != 0:
            message = f"rabbitmqctl {arguments[0]} failed: {output.decode(errors='replace')}"
            raise ProcessFailedError(message)
        return output.decode()

    def _configure(self) -> None:
        """Write the node's files. Password and cookie are created once, because the node stores them."""
        member = self._membership
        self._password = self._secret("password", member.password if member else None)
        self._secret(".erlang.cookie", member.cookie if member else None)
        configuration = (
            f"listeners.tcp.1 = 127.0.0.1:{self._port(0)}\n"
            f"default_user = {_USER}\n"
            f"default_pass = {self._password}\n"
            "log.console = true\n"
            "log.console.level = warning\n"
            "log.file = false\n"
            "vm_memory_high_watermark.absolute = 512MB\n"
            "disk_free_limit.absolute = 100MB\n"
            # The limit of RabbitMQ 4. Older nodes have eight times as much by default.
            "max_message_size = 16777216\n"
            f"{self._cluster_configuration()}{self._definitions()}"
        )
        write_private(self._data_dir / "rabbitmq.conf", configuration)
        write_private(self._data_dir / "enabled_plugins", "[].\n")

    def _definitions(self) -> str:
        """Write the accounts to a file that the node reads at its start; return the setting that names it.

        `rabbitmqctl` is not used, because each call takes a second.
        """
        if not self._parties:
            return ""
        accounts = {
            party: Account(party, self._secret(f"{party}.password", None))
            for party in self._parties
        }
        file = self._data_dir / "definitions.json"
        write_private(file, json.dumps(definitions(Account(_USER, self._password), accounts)))
        return f"load_definitions = {file}\n"

    def _cluster_configuration(self) -> str:
        if self._membership is None:
            return ""
        nodes = "".join(
            f"cluster_formation.classic_config.nodes.{number} = {node}\n"
            for number, node in enumerate(self._membership.nodes, 1)
        )
        return f"cluster_formation.peer_discovery_backend = classic_config\n{nodes}"

    def _secret(self, name: str, given: str | None) -> str:
        path = self._data_dir / name
        if not path.exists():
            write_private(path, given or secrets.token_hex(16))
        return path.read_text()

    def _port(self, index: int) -> int:
        return self._ports[index] if self._ports else 0

    async def _start_once(self, programs: RabbitPrograms) -> None:
        environment = self._environment(programs)
        if self._membership is None:
            self._name_server = NameServer(self._port(2), self.log)
            await self._name_server.start(programs.epmd, environment)
        server = (str(programs.server),)
        self._node = ChildProcess(
            Program(name="rabbitmq", arguments=server, environment=environment, log=self.log)
        )
        await self._node.start()
        await until_answered(self._node, self._port(0), _AMQP_HEADER)

    def _environment(self, programs: RabbitPrograms) -> dict[str, str]:
        """Return an environment that names every file and port, so the machine's own RabbitMQ is not touched."""
        data = self._data_dir
        member = self._membership
        path = os.environ.get("PATH", os.defpath)
        return {
            "PATH": f"{programs.erlang}{os.pathsep}{path}" if programs.erlang else path,
            "HOME": str(data),
            "LANG": "C.UTF-8",
            "ERL_EPMD_PORT": str(member.name_server.port if member else self._port(2)),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_CRASH_DUMP_SECONDS": "0",
            "RABBITMQ_CONF_ENV_FILE": os.devnull,
            "RABBITMQ_CONFIG_FILE": str(data / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(data / "enabled_plugins"),
            "RABBITMQ_NODENAME": self.name,
            "RABBITMQ_DIST_PORT": str(self._port(1)),
            "RABBITMQ_MNESIA_BASE": str(data / "mnesia"),
            "RABBITMQ_LOG_BASE": str(data / "log"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(data / "schema"),
            "RABBITMQ_SCHEMA_DIR": str(data / "schema"),
            "RABBITMQ_PID_FILE": str(data / "pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        }
