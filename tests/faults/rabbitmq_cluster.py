"""Three nodes of RabbitMQ that are one cluster, on one machine."""

import asyncio
import json
import os
import secrets
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

from deploy.local.embedded.erlang import NameServer
from deploy.local.embedded.process import free_ports
from deploy.local.embedded.rabbitmq import EmbeddedRabbitMQ, Membership
from deploy.local.embedded.rabbitmq_programs import find_rabbitmq

NODES = [f"warren{number}@localhost" for number in (1, 2, 3)]


class RabbitMQCluster:
    """Starts and ends its nodes, each with a directory of its own."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(mode=0o755)
        self._directory = directory
        self._name_server = NameServer(free_ports(1)[0], directory / "epmd.log")
        cookie, password = secrets.token_hex(16), secrets.token_hex(16)
        self.nodes = {
            node: EmbeddedRabbitMQ(
                directory / node,
                membership=Membership(
                    node=node,
                    nodes=NODES,
                    name_server=self._name_server,
                    cookie=cookie,
                    password=password,
                ),
            )
            for node in NODES
        }

    async def __aenter__(self) -> Self:
        environment = {"PATH": os.environ["PATH"], "HOME": str(self._directory)}
        await self._name_server.start((await find_rabbitmq()).epmd, environment)
        first, *others = self.nodes.values()
        try:
            await first.start()
            await asyncio.gather(*(node.start() for node in others))
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        await asyncio.gather(*(node.stop() for node in self.nodes.values()))
        await self._name_server.stop()

    @property
    def url(self) -> str:
        """The address of all nodes."""
        each = [urlsplit(node.url) for node in self.nodes.values()]
        user = each[0].netloc.rpartition("@")[0]
        hosts = ",".join(one.netloc.rpartition("@")[2] for one in each)
        return urlunsplit(each[0]._replace(netloc=f"{user}@{hosts}"))

    async def leader(self, queue: str) -> EmbeddedRabbitMQ:
        """Return the node that leads a quorum queue."""
        return self.nodes[(await self._quorums())[queue]["leader"]]

    async def becomes_whole(self) -> None:
        """Wait until every queue is replicated on every node."""
        async with asyncio.timeout(60):
            while not all(
                sorted(each["online"]) == NODES for each in (await self._quorums()).values()
            ):
                await asyncio.sleep(0.5)

    async def _quorums(self) -> dict[str, Any]:
        columns = ("name", "type", "leader", "online")
        asked = self.nodes[NODES[0]]
        answer = await asked.control("-q", "--formatter=json", "list_queues", *columns)
        return {each["name"]: each for each in json.loads(answer) if each["type"] == "quorum"}
