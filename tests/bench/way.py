"""`python -m tests.bench.way`: print the functions that one log-metric runs through, and count them.

Gateway and tracking run in this process, on a real RabbitMQ and a real PostgreSQL. So the way is the one of two
processes, with the AMQP transport on both sides.

What counts:

- The beginning of each call of a function, method, property or lambda whose code is in a file below `services/` or
  `shared/`. A function that runs three times counts three times. A coroutine counts once, however often it waits.
- Not the code of libraries, nor constructors that `dataclass` writes, nor comprehensions, which no reader looks up.
- A change of file is a call whose function is in another file than that of the call before it.

The counts are printed twice: of the whole way, and without the transport's part, which moves messages between the
two sides and reads none of them.

The request is sent several times, and the shortest way counts: now and then a timer of the process falls into a
request. Caches are warm, the caller is anonymous, and the run has the metric already.
"""

import argparse
import asyncio
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import CodeType, FrameType
from typing import NamedTuple

from deploy.local.embedded.postgres import EmbeddedPostgres
from deploy.local.embedded.provision import provision_services
from deploy.local.embedded.rabbitmq import EmbeddedRabbitMQ
from services.gateway.app import create_app
from services.gateway.http.server import serve
from services.gateway.settings import Settings
from services.tracking.handlers import HANDLERS
from shared.messaging.amqp import AmqpTransport
from shared.messaging.client import BusClient
from shared.messaging.topology import GATEWAY
from shared.runtime.settings import PostgresServiceSettings
from shared.serving.postgres import PostgresService
from tests.rest import Api, api, metric
from tests.web_server import ROOT

TRACKING = "tracking"
REQUESTS = 30
OWN = tuple(f"{ROOT / folder}/" for folder in ("services", "shared"))
TRANSPORT = frozenset(
    f"shared/messaging/{name}.py" for name in ("amqp", "direct_channel", "direct_connection")
)
COMPREHENSIONS = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"})


class Step(NamedTuple):
    """One call: the file and the name of its function."""

    file: str
    function: str


def main() -> None:
    """Print the way and the two counts."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.way", description=__doc__)
    parser.add_argument("--counts", action="store_true", help="print the counts alone")
    options = parser.parse_args()
    way = asyncio.run(_shortest_way())
    if not options.counts:
        for before, step in pairwise([Step("", ""), *way]):
            if step.file != before.file:
                print(step.file)
            print(f"    {step.function}")
    without = [step for step in way if step.file not in TRANSPORT]
    print(f"{len(way)} functions, {changes_of_file(way)} changes of file")
    print(
        f"{len(without)} functions, {changes_of_file(without)} changes of file without the transport"
    )
    for file, calls in Counter(step.file for step in way).most_common():
        print(f"{calls:4} {file}")


def changes_of_file(way: Sequence[Step]) -> int:
    """Count the steps whose file is another one than that of the step before."""
    return sum(step.file != before.file for before, step in pairwise(way))


@contextmanager
def recorded(way: list[Step], own: Sequence[str] = OWN) -> Iterator[None]:
    """Add each call of a function in a file below ``own`` to a way, while the block runs."""
    known: dict[CodeType, Step | None] = {}
    # A coroutine's frame is called again each time it goes on. The frames are kept, so that no other gets the same id.
    begun: set[FrameType] = set()

    def on_event(frame: FrameType, event: str, _argument: object) -> None:
        if event != "call":
            return
        code = frame.f_code
        if code not in known:
            known[code] = _step(code, own)
        step = known[code]
        if step and frame not in begun:
            begun.add(frame)
            way.append(step)

    sys.setprofile(on_event)
    try:
        yield
    finally:
        sys.setprofile(None)


def _step(code: CodeType, own: Sequence[str]) -> Step | None:
    """Return the step that a call of this code is; None if it does not count."""
    if code.co_name in COMPREHENSIONS:
        return None
    for folder in own:
        if code.co_filename.startswith(folder):
            file = Path(code.co_filename).relative_to(Path(folder).parent)
            return Step(str(file), code.co_qualname)
    return None


async def _shortest_way() -> Sequence[Step]:
    async with AsyncExitStack() as running:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
            directory = Path(name)
            # PostgreSQL runs as another user than root, who must reach its data.
            directory.chmod(0o755)
            postgres = EmbeddedPostgres(directory / "postgres", fsync=False)
            rabbitmq = EmbeddedRabbitMQ(
                directory / "rabbitmq", ROOT / ".warren" / "cache" / "rabbitmq"
            )
            await running.enter_async_context(postgres)
            await running.enter_async_context(rabbitmq)
            dsns = await provision_services(postgres, [TRACKING])
            url = await _start(running, dsns[TRACKING], rabbitmq.url)
            rest = await running.enter_async_context(api(url))
            ways = await _ways(rest)
            await running.aclose()
    return min(ways, key=len)


async def _start(running: AsyncExitStack, dsn: str, amqp_url: str) -> str:
    """Start tracking and a gateway; return the gateway's address."""
    settings = PostgresServiceSettings(dsn=dsn)
    connect = partial(AmqpTransport, amqp_url, party=TRACKING, services=[TRACKING])
    service = await PostgresService.start(TRACKING, settings, HANDLERS, connect)
    running.push_async_callback(service.close)
    bus = BusClient(AmqpTransport(amqp_url, party=GATEWAY, services=[TRACKING]))
    gateway = Settings(port=0)
    app = create_app(bus, gateway)
    await bus.start()
    running.push_async_callback(bus.close)
    server = await serve(app, gateway)
    running.push_async_callback(server.close)
    return f"http://127.0.0.1:{server.port}"


async def _ways(rest: Api) -> Sequence[Sequence[Step]]:
    run = await rest.new_run(await rest.new_experiment("way"))
    ways = []
    for step in range(REQUESTS):
        body = {"run_id": run, **metric("loss", 0.25, step)}
        way: list[Step] = []
        with recorded(way):
            await rest.done("runs/log-metric", body)
            # The acknowledgement follows the reply.
            await asyncio.sleep(0.05)
        ways.append(way)
    return ways[REQUESTS // 3 :]


if __name__ == "__main__":
    main()
