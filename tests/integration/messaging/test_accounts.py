"""Each party's account against everything of the others, on a RabbitMQ that provisioning has prepared by its API."""

import asyncio
import json
import re
import time
from dataclasses import astuple
from urllib.parse import urlsplit

import aio_pika
import aiormq
import pytest

from deploy.local.embedded.process import free_ports
from deploy.local.embedded.rabbitmq import EmbeddedRabbitMQ
from deploy.provision.__main__ import prepare
from deploy.provision.settings import ProvisionSettings
from shared.messaging import topology
from shared.messaging.accounts import Account, definitions
from shared.messaging.amqp import AmqpTransport
from shared.messaging.client import BusClient
from shared.messaging.declarations import declare_all
from shared.messaging.messages import Answer, Envelope, Frame, encode_frame, new_id
from shared.messaging.permissions import permissions, private_queue
from shared.messaging.processor import Outcome
from shared.messaging.topology import ASKS, LAYOUT, PARTIES, SERVICES, SUBSCRIPTIONS, exchange_name
from shared.messaging.transport import Publication
from shared.messaging.worker import Worker
from shared.runtime.starting import StartError

QUEUES = [spec.name for spec in LAYOUT.queues(SERVICES)]
EXCHANGES = sorted(
    {name for party in PARTIES for name in LAYOUT.exchanges(LAYOUT.queues(SERVICES), party)}
)
REFUSED = aiormq.exceptions.ChannelAccessRefused
PASSWORD = "p%C3%A4ss%2Fword"


class ManagedRabbitMQ(EmbeddedRabbitMQ):
    """A node with the management API, as the public images have it."""

    def _configure(self):
        super()._configure()
        [self.api_port] = free_ports(1)
        with (self._data_dir / "rabbitmq.conf").open("a") as file:
            file.write(f"management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {self.api_port}\n")
        (self._data_dir / "enabled_plugins").write_text("[rabbitmq_management].\n")


@pytest.fixture(scope="module")
async def node(server_directory):
    async with ManagedRabbitMQ(server_directory / "managed") as node:
        yield node


def settings(node, **given):
    """Return the settings of provisioning, with an account for each party."""
    host = urlsplit(node.url).netloc.rpartition("@")[2]
    urls = {party: f"amqp://{party}-user:{PASSWORD}@{host}/" for party in PARTIES}
    api = f"http://127.0.0.1:{node.api_port}"
    defaults = {"amqp_admin_url": node.url, "amqp_api_url": api, "amqp_urls": urls}
    return ProvisionSettings(**{**defaults, **given}, _cli_parse_args=[])


@pytest.fixture(scope="module")
async def provisioned(node):
    """Return each party's address."""
    await prepare(settings(node))
    await prepare(settings(node))
    return settings(node).amqp_urls


@pytest.fixture(params=PARTIES)
def party(request):
    return request.param


@pytest.fixture
async def connection(provisioned, party):
    async with await aio_pika.connect(provisioned[party]) as connection:
        yield connection


async def refused(connection, act):
    """Whether the broker refuses an act for want of rights; each takes a channel of its own."""
    async with connection.channel() as channel:
        try:
            await act(channel, await channel.get_underlay_channel())
        except REFUSED:
            return True
        return False


def consumed(party):
    """Name the queues that a party reads."""
    if party == topology.CLI:
        return {queue for queue in QUEUES if queue.endswith(".dead-letters")}
    events = [f"{party}.events"] if party in SUBSCRIPTIONS else []
    kinds = ("commands", "transient-commands", "queries")
    return {*(f"{party}.{kind}" for kind in kinds if party in SERVICES), *events}


async def test_a_party_reads_its_own_queues_alone(connection, party):
    for queue in QUEUES:
        may = queue in consumed(party)
        for act in (
            lambda _, raw, queue=queue: raw.basic_get(queue, no_ack=False),
            lambda _, raw, queue=queue: raw.basic_consume(queue, print),
            lambda _, raw, queue=queue: raw.queue_purge(queue),
        ):
            assert await refused(connection, act) is not may, queue


async def test_a_party_publishes_to_its_own_exchanges_alone(connection, party):
    own = {exchange_name(party, role) for role in LAYOUT.roles(party)}
    for exchange in (*EXCHANGES, "", "amq.topic", "amq.direct", "amq.fanout"):
        act = lambda _, raw, exchange=exchange: raw.basic_publish(  # noqa: E731
            b"", exchange=exchange, routing_key="nowhere"
        )
        assert await refused(connection, act) is (exchange not in own), exchange
    assert own <= set(EXCHANGES)


async def test_a_party_declares_binds_and_deletes_nothing_of_the_topology(connection):
    for queue in QUEUES:
        for act in (
            lambda channel, _, queue=queue: channel.declare_queue(queue, durable=True),
            lambda _, raw, queue=queue: raw.queue_delete(queue),
            lambda _, raw, queue=queue: raw.queue_bind(queue, "amq.direct", "key"),
            lambda _, raw, queue=queue: raw.queue_unbind(queue, "gateway.requests", queue),
        ):
            assert await refused(connection, act), queue
    for exchange in EXCHANGES:
        for act in (
            lambda channel, _, name=exchange: channel.declare_exchange(name, "direct"),
            lambda _, raw, name=exchange: raw.exchange_delete(name),
            lambda _, raw, name=exchange: raw.exchange_bind(name, "amq.direct", "key"),
        ):
            assert await refused(connection, act), exchange
    assert await refused(connection, lambda channel, _: channel.declare_queue("mine"))
    assert await refused(connection, lambda channel, _: channel.declare_exchange("mine"))


async def test_a_party_listens_to_those_alone_whom_it_asks_or_hears(connection, party):
    asked = {exchange_name(service, topology.REPLIES) for service in ASKS.get(party, ())}
    heard = {
        exchange_name(service, topology.OUTBOX) for service in topology.LISTENERS.get(party, ())
    }
    name = private_queue(party, "0" * 32)

    async def listen(channel, exchange):
        queue = await channel.declare_queue(name, exclusive=True, auto_delete=True)
        await queue.bind(exchange, "#")
        await queue.delete()

    for exchange in EXCHANGES:
        may = exchange in asked | heard
        act = lambda channel, _, exchange=exchange: listen(channel, exchange)  # noqa: E731
        assert await refused(connection, act) is not may, exchange


class Answering:
    """A service that carries out whatever reaches it, and remembers that."""

    def __init__(self):
        self.names = []

    async def commands(self, frame, **_):
        self.names += [envelope.name for envelope in frame.envelopes]
        return Outcome(dict.fromkeys(range(len(frame.envelopes)), Answer(b"{}")))

    async def query(self, envelope):
        self.names.append(envelope.name)
        return Answer(b"{}")


def an(name):
    return Envelope(new_id(), name, 1, b"{}", time.time() + 10)


@pytest.fixture
async def parties(provisioned):
    """Every service at work and every asker's client, each by its own account."""
    connect = {
        party: lambda party=party: AmqpTransport(provisioned[party], party=party, services=[])
        for party in PARTIES
    }
    services = {name: Answering() for name in SERVICES}
    workers = [Worker(connect[name](), name, service) for name, service in services.items()]
    clients = {asker: BusClient(connect[asker]()) for asker in ASKS}
    clients["gateway"].subscribe(("token.revoked",), lambda _event: None, lambda: None)
    for worker in workers:
        await worker.start()
    for client in clients.values():
        await client.start()
    yield services, clients
    for client in clients.values():
        await client.close()
    for worker in workers:
        await worker.drain()


async def test_askers_are_answered_by_whom_they_may_ask_and_for_what(parties):
    services, clients = parties
    for asker, asked in ASKS.items():
        for service, names in asked.items():
            for kind in ("commands", "queries"):
                name = names[0] if names else "CreateToken"
                answer = await clients[asker].call(service, kind, an(name))
                assert answer.error is None, (asker, service, kind)
                if names:
                    services[service].names.clear()
                    answer = await clients[asker].call(service, kind, an("DeleteRun"))
                    assert answer.error == "PERMISSION_DENIED"
                    assert services[service].names == []


@pytest.mark.parametrize("queue", ["access.transient-commands", "access.commands"])
@pytest.mark.parametrize("thief", ["tracking", "registry", "artifacts"])
async def test_a_forged_create_token_reaches_no_service(parties, provisioned, thief, queue):
    services, clients = parties
    frame = encode_frame(Frame(new_id(), "commands", [an("CreateToken")]))
    properties = aiormq.spec.Basic.Properties(message_id=new_id().hex)
    async with await aio_pika.connect(provisioned[thief]) as connection:
        for exchange in (*EXCHANGES, ""):
            async with connection.channel(on_return_raises=True) as channel:
                raw = await channel.get_underlay_channel()
                # It may not write there, or there is no way from there to that queue.
                with pytest.raises((REFUSED, aiormq.exceptions.DeliveryError)):
                    await raw.basic_publish(
                        frame,
                        exchange=exchange,
                        routing_key=queue,
                        properties=properties,
                        mandatory=True,
                    )
    await clients["gateway"].call("access", "commands", an("Marker"))
    assert services["access"].names == ["Marker"]


async def test_a_service_answers_for_itself_alone(parties, provisioned):
    """Tracking knows where the gateway takes its answers, and guesses the frame of another service."""
    _, clients = parties
    gateway = clients["gateway"]
    transport = gateway._transport
    await gateway.call("access", "queries", an("Authorize"))
    thief = AmqpTransport(provisioned["tracking"], party="tracking", services=[])
    await thief.start()
    batcher = gateway.batcher("access", "queries")
    asking = asyncio.create_task(gateway.call("access", "queries", an("Authorize")))
    await asyncio.sleep(0)
    [frame_id] = batcher.sent or [new_id()]
    for address in ("tracking", "access"):
        await thief.publish(
            Publication(
                exchange=topology.REPLIES,
                routing_key=transport.reply_address(address),
                body=b"[[0, null, 0, 6, true]]\nforged",
                correlation_id=f"access queries {frame_id.hex}",
            )
        )
    assert (await asking).body == b"{}"
    await thief.close()


async def test_a_process_waits_for_the_topology_that_it_may_not_declare(rabbitmq, amqp_vhost_url):
    vhost = urlsplit(amqp_vhost_url).path.removeprefix("/")
    account, administrator = Account("waiting", "secret"), Account("unused", "secret")
    document = definitions(administrator, {"tracking": account}, vhost)
    file = rabbitmq.log.with_name("waiting.json")
    file.write_text(json.dumps(document))
    await rabbitmq.control("import_definitions", str(file))
    host = urlsplit(amqp_vhost_url).netloc.rpartition("@")[2]
    transport = AmqpTransport(
        f"amqp://waiting:secret@{host}/{vhost}", party="tracking", services=["tracking"]
    )
    starting = asyncio.create_task(transport.start())
    await asyncio.sleep(1.5)
    assert not transport.ready
    assert not starting.done()
    async with await aio_pika.connect(amqp_vhost_url) as connection:
        await declare_all(connection, LAYOUT)
    async with asyncio.timeout(20):
        await starting
    assert transport.ready
    await transport.close()


async def test_provisioning_needs_an_administrator(node, provisioned):
    with pytest.raises(StartError, match="tag `administrator`"):
        await prepare(
            settings(
                node,
                amqp_admin_url=provisioned["gateway"],
                amqp_urls={"tracking": provisioned["tracking"]},
            )
        )


async def test_an_api_that_is_not_there_is_waited_for(node):
    with pytest.raises(StartError, match="did not answer within 1 s"):
        await prepare(settings(node, amqp_api_url="http://127.0.0.1:1", provision_timeout=1))


@pytest.mark.parametrize(
    ("urls", "said"),
    [
        ({"nobody": "amqp://n:p@h/"}, "the parts of Warren are gateway"),
        ({"tracking": "amqp://tracking:p@h/other"}, "virtual host"),
        ({"tracking": "amqp://admin:p@h/"}, "user of its own"),
        ({"tracking": "amqp://h/"}, "user and a password"),
    ],
)
async def test_wrong_addresses_are_refused_before_anything_is_made(urls, said):
    given = ProvisionSettings(
        amqp_admin_url="amqp://admin:p@h/", amqp_urls=urls, _cli_parse_args=[]
    )
    with pytest.raises(StartError, match=said):
        await prepare(given)


@pytest.mark.parametrize("name", PARTIES)
def test_permissions_match_whole_names(name):
    """RabbitMQ looks for a match anywhere in a name."""
    for pattern in astuple(permissions(name)):
        assert re.fullmatch(r"\^(\(.*\))?\$", pattern)
