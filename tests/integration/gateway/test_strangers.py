"""Every port of `make run` and `make stack`, tried by who has no secret and by pages of other origins.

The gateway's own port is left out where strangers are concerned: whom it serves is its access mode's
business, and is tested in tests/integration/access.
"""

import asyncio
import hashlib
import re
import ssl
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import aio_pika
import asyncpg
import pytest
import trustme

from deploy.local.embedded.rabbitmq_programs import find_rabbitmq
from services.artifacts.settings import S3Settings
from tests.integration.gateway.artifacts_api import Artifacts
from tests.listeners import Listener, family, tcp_listeners, unix_listeners
from tests.processes import open_to_others

BUCKET = S3Settings.model_fields["bucket"].default
EVIL = "https://evil.example"
ORDERS = [
    f"GET /buckets/{BUCKET}/",
    "PUT /buckets/stranger",
    "POST /buckets/stranger/",
    f"DELETE /buckets/{BUCKET}?recursive=true&ignoreRecursiveError=true",
    "GET /dir/assign",
    "GET /dir/status",
    "GET /dir/lookup?volumeId=1",
    "GET /vol/grow?count=1",
    "GET /vol/vacuum?garbageThreshold=0",
    f"GET /col/delete?collection={BUCKET}",
    "POST /submit",
    "GET /cluster/status",
    "GET /status",
    "GET /stats/counter",
    "GET /metrics",
    "GET /debug/pprof/",
    "GET /1,01637037d6",
    "PUT /1,01637037d6",
    "DELETE /1,01637037d6",
]
"""Requests that SeaweedFS's servers carry out on their inner ports for any client that they accept."""

S3_REQUESTS = [
    "GET /",
    f"GET /{BUCKET}?list-type=2",
    f"PUT /{BUCKET}/stranger",
    f"DELETE /{BUCKET}",
    f"POST /{BUCKET}?delete",
    "PUT /strangers",
    "POST /?Action=CreateAccessKey&UserName=admin&Version=2010-05-08",
    "POST /?Action=AssumeRole&RoleArn=a&RoleSessionName=s&Version=2011-06-15",
    "GET /metrics",
    "GET /status",
]
HTTP_2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"
NEEDS_TLS = b"Client sent an HTTP request to an HTTPS server"


@pytest.fixture(params=["standalone", "stack"])
def warren(request):
    return request.getfixturevalue(f"{request.param}_warren")


@pytest.fixture
def pids(request, warren):
    """Return every process of a Warren, with its servers."""
    roots = {warren.process.pid}
    if "stack" in request.node.callspec.id:
        rabbitmq = request.getfixturevalue("rabbitmq")
        roots |= {request.getfixturevalue("postgres").pid, *at_home(rabbitmq.log.parent)}
    return family(roots)


def at_home(directory):
    """Return the processes whose HOME is a directory; those of a RabbitMQ node have its own."""
    found = set()
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if f"HOME={directory}\0".encode() in environment.read_bytes():
                found.add(int(environment.parent.name))
    return found


@pytest.fixture
def ports(pids, warren):
    """Return the listeners but for the gateway's, by program."""
    by_program: dict[str, list[Listener]] = {}
    for each in tcp_listeners(pids):
        if each.port != urlsplit(warren.url).port:
            program = re.match(r"[a-z]+", each.program)[0]
            by_program.setdefault(program, []).append(each)
    return by_program


@pytest.fixture
async def kept(session, warren):
    """Store an artifact, and see afterwards that it is what it was."""
    artifacts = await Artifacts.of_new_run(session, warren.url)
    assert (await artifacts.put("kept", b"content"))[0] == 200
    yield artifacts
    assert await artifacts.get("kept") == (200, b"content")


async def exchange(port, message, tls=None):
    """Send bytes and return what is answered before the connection ends, or rests for a second."""
    answer = b""
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(10):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
        try:
            writer.write(message)
            while part := await asyncio.wait_for(reader.read(65536), 1):
                answer += part
        finally:
            writer.close()
    return answer


async def each_of(port, messages, tls=None):
    """Send messages at once, each by a connection of its own."""
    return await asyncio.gather(*(exchange(port, message, tls) for message in messages))


def http(order, **headers):
    """Write a request that ends its connection."""
    method, path = order.split()
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    body = "strange" if method in {"PUT", "POST"} else ""
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", body]).encode()


def status(answer):
    """Return the HTTP status of an answer; 0 if it is none."""
    found = re.match(rb"HTTP/1\.[01] (\d+)", answer)
    return int(found[1]) if found else 0


def strangers_tls(alpn="http/1.1", client=None):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols([alpn])
    if client is not None:
        client.configure_cert(context)
    return context


async def split_of_s3(listeners):
    """Tell the S3 ports, which speak plain HTTP, from SeaweedFS's inner ones."""
    answers = [await exchange(each.port, http("GET /")) for each in listeners]
    s3 = [each for each, said in zip(listeners, answers, strict=True) if status(said) == 403]
    return s3, [each for each in listeners if each not in s3]


def test_every_port_is_on_loopback(pids):
    listeners = tcp_listeners(pids)
    assert {each.address for each in listeners} <= {"127.0.0.1", "::1"}, listeners


def test_every_unix_socket_is_closed_to_others(pids):
    sockets = unix_listeners(pids)
    assert sockets
    assert not [each for each in sockets if each.stat().st_mode & 0o077]


def test_what_is_kept_is_closed_to_other_users(warren):
    # SeaweedFS gives its volumes' .vif files 0644 by itself. Their directory is closed, as is tested here,
    # and the next start closes them, too.
    assert not [path for path in open_to_others(warren.data) if path.suffix != ".vif"]


def test_no_program_listens_that_is_not_tried_here(ports, warren):
    stack = {"beam", "epmd", "python"} if warren.record else set()
    assert ports.keys() == {"weed", "postgres"} | stack


async def test_the_inner_ports_of_the_s3_server_do_nothing_for_a_stranger(ports, kept):
    _, inner = await split_of_s3(ports["weed"])
    assert len(inner) == 9
    forged = trustme.CA().issue_cert("127.0.0.1")
    contexts = [
        *(strangers_tls("http/1.1", client) for client in (None, forged)),
        *(strangers_tls("h2", client) for client in (None, forged)),
    ]
    for each in inner:
        plain = await each_of(each.port, [*map(http, ORDERS), HTTP_2])
        for answer in plain:
            assert status(answer) == 0 or NEEDS_TLS in answer, (each, answer)
        assert set(await each_of(each.port, map(http, ORDERS), contexts[0])) == {b""}
        for context in contexts:
            assert set(await each_of(each.port, [http(ORDERS[0]), HTTP_2], context)) == {b""}


async def test_the_s3_port_does_nothing_for_a_stranger(ports, kept):
    [s3], _ = await split_of_s3(ports["weed"])
    for request in S3_REQUESTS:
        for header in ({}, {"Authorization": "AWS4-HMAC-SHA256 Credential=a/b/c/s3/aws4_request"}):
            answer = await exchange(s3.port, http(request, **header))
            if request == "GET /status":
                assert (status(answer), answer.partition(b"\r\n\r\n")[2]) == (200, b"")
            else:
                assert status(answer) in {400, 403, 405}, (request, answer)
                assert b"content" not in answer.partition(b"\r\n\r\n")[2]


async def test_postgresql_refuses_logins_without_the_password(ports):
    [server] = ports["postgres"]
    for user in ("warren", "postgres", "tracking", "registry", "access", "nobody"):
        for password in ("", "wrong", user):
            with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
                await asyncpg.connect(
                    host="127.0.0.1",
                    port=server.port,
                    user=user,
                    password=password,
                    database="postgres",
                )


async def test_rabbitmq_refuses_logins_without_the_password(rabbitmq):
    port = urlsplit(rabbitmq.url).port
    for user in ("guest:guest", "warren:guest", "warren:warren", "warren:"):
        with pytest.raises(aio_pika.exceptions.AMQPError):
            await aio_pika.connect(f"amqp://{user}@127.0.0.1:{port}/")


async def ask_epmd(port, request):
    return await exchange(port, len(request).to_bytes(2, "big") + request)


def epmd_port(rabbitmq):
    [port] = {
        each.port
        for each in tcp_listeners(at_home(rabbitmq.log.parent))
        if each.program.startswith("epmd")
    }
    return port


async def test_erlangs_name_server_tells_names_and_can_not_be_ended(rabbitmq):
    port = epmd_port(rabbitmq)
    names = await ask_epmd(port, b"n")
    assert b"name warren at port" in names
    assert b"OK" not in await ask_epmd(port, b"k")
    assert b"STOPPED" not in await ask_epmd(port, b"swarren")
    assert await ask_epmd(port, b"n") == names


async def test_the_node_takes_no_order_with_a_wrong_cookie(rabbitmq, tmp_path):
    programs = await find_rabbitmq()

    async def code(cookie):
        process = await asyncio.create_subprocess_exec(
            programs.server.with_name("rabbitmqctl"),
            *("-n", rabbitmq.name, "--erlang-cookie", cookie, "eval", "node()."),
            env={
                "PATH": f"{programs.erlang or ''}:/usr/local/bin:/usr/bin:/bin",
                "HOME": str(tmp_path),
                "LANG": "C.UTF-8",
                "ERL_EPMD_PORT": str(epmd_port(rabbitmq)),
            },
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        return await process.wait()

    right = rabbitmq.log.with_name(".erlang.cookie").read_text()
    assert await code(right) == 0
    assert await code(hashlib.sha256(right.encode()).hexdigest()[:32]) != 0


async def test_the_services_listeners_for_operators_read_and_never_write(ports, warren):
    for each in ports.get("python", []):
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            for path in ("/metrics", "/health/ready", "/api/2.0/mlflow/runs/create"):
                assert status(await exchange(each.port, http(f"{method} {path}"))) in {404, 405}


async def test_no_port_lets_a_page_of_another_origin_read(ports, warren, kept):
    paths = {
        "weed": [f"/{BUCKET}/{kept.root}/kept", f"/buckets/{BUCKET}/{kept.root}/kept"],
        "python": ["/metrics", "/health/ready"],
        "gateway": ["/api/2.0/mlflow/experiments/search?max_results=1", "/"],
    }
    numbers = [("gateway", urlsplit(warren.url).port)]
    numbers += [(name, each.port) for name, listeners in ports.items() for each in listeners]
    for program, number in numbers:
        requests = [
            http(f"{order} {path}", Origin=origin, Access_Control_Request_Method="POST")
            for order in ("GET", "OPTIONS", "POST")
            for path in paths.get(program, ["/"])
            for origin in (EVIL, "null")
        ]
        for answer in await each_of(number, requests):
            head = answer.partition(b"\r\n\r\n")[0].lower()
            # SeaweedFS lets any page read that it refuses what it has no route for.
            refused = program == "weed" and status(answer) in {403, 405}
            assert refused or b"access-control-allow-origin" not in head, (number, answer)


async def test_what_a_page_may_read_of_the_s3_port_says_nothing(ports):
    """It answers any origin where no bucket is named, and has nothing to say there."""
    [s3], _ = await split_of_s3(ports["weed"])
    for path in ("/", "/status", "/healthz"):
        answer = await exchange(s3.port, http(f"GET {path}", Origin=EVIL))
        body = answer.partition(b"\r\n\r\n")[2]
        assert body == b"" or b"<Code>AccessDenied</Code>" in body


async def test_a_page_that_rebinds_its_name_reads_nothing(ports, warren):
    """Its requests come with its own name as the host, and are of the same origin to the browser."""
    for listeners in ports.values():
        for each in listeners:
            request = http("GET /metrics").replace(b"Host: 127.0.0.1", b"Host: evil.example")
            assert status(await exchange(each.port, request)) in {0, 400, 403}, each
