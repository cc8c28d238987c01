"""A private RabbitMQ node on free loopback ports, with its own Erlang name server."""

import asyncio
import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.local.embedded.erlang import NameServer, wait_until_answered
from deploy.local.embedded.private import restrict_tree, write_private
from deploy.local.embedded.process import ChildProcess, ProcessFailedError, Program
from deploy.local.embedded.rabbitmq_programs import DEFAULT_CACHE, RabbitPrograms, find_rabbitmq
from deploy.local.embedded.server import EmbeddedServer
from shared.messaging.accounts import Account, definitions

_USER = "warren"
_NODE = "warren@localhost"
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


class EmbeddedRabbitMQ(EmbeddedServer[RabbitPrograms]):
    """One RabbitMQ node under `data_dir`. Durable queues and their messages survive its end.

    `pid` is the start script's, which leads the process group of the whole node. A quorum queue that was declared
    less than a second before `kill` may be unusable afterwards, because RabbitMQ 3.10 registers it lazily.
    """

    product = "RabbitMQ"
    log_name = "rabbitmq.log"
    port_count = 3

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
        super().__init__(data_dir)
        self._parties = parties
        self._cache = cache
        self._password = ""
        self._membership = membership
        self._name_server: NameServer | None = None

    @property
    def url(self) -> str:
        """The connection string of the default virtual host."""
        return self.vhost_url("%2F")

    @property
    def name(self) -> str:
        """The node's Erlang name."""
        return self._membership.node if self._membership else _NODE

    def vhost_url(self, vhost: str) -> str:
        """Return the administrator's connection string of a virtual host, which must exist."""
        return self._url(_USER, self._password, vhost)

    def url_of(self, party: str) -> str:
        """Return the connection string of a party's account."""
        return self._url(party, self._secret(f"{party}.password", None), "%2F")

    def _url(self, user: str, password: str, vhost: str) -> str:
        return f"amqp://{user}:{password}@127.0.0.1:{self._port(0)}/{vhost}"

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

    async def _prepare(self) -> RabbitPrograms:
        """Find the programs. Missing ones are downloaded."""
        restrict_tree(self._data_dir)
        return await find_rabbitmq(self._cache)

    async def _launch(self, prepared: RabbitPrograms) -> None:
        self._configure()
        environment = self._environment(prepared)
        if self._membership is None:
            self._name_server = NameServer(self._port(2), self.log)
            await self._name_server.start(prepared.epmd, environment)
        server = (str(prepared.server),)
        self._process = ChildProcess(
            Program(name="rabbitmq", arguments=server, environment=environment, log=self.log)
        )
        await self._process.start()
        await wait_until_answered(self._process, self._port(0), _AMQP_HEADER)

    async def _after_end(self) -> None:
        """Stop the name server, which the node needs until its end."""
        if self._name_server is not None:
            await self._name_server.stop()
            self._name_server = None
        await super()._after_end()

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
