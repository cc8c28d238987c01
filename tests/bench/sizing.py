"""`python -m tests.bench.sizing`: what a request costs each process, in processor time and memory, for docs/sizing.md.

Loads Warren's stack (one gateway, one tracking worker, RabbitMQ, PostgreSQL with fsync) with wrk, and reads the
counters of the processes before and after. Processor time depends less than rates on what else the machine does.
"""

import argparse
import asyncio
import shutil
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

import asyncpg

from deploy.local.embedded.postgres import EmbeddedPostgres
from deploy.local.embedded.rabbitmq import EmbeddedRabbitMQ
from tests.bench.load import measure
from tests.bench.machine import (
    describe_machine,
    processor_seconds,
    python_version,
    resident_megabytes,
)
from tests.bench.operations import OPERATIONS, Operation
from tests.bench.peers import Peer, warren
from tests.bench.prepare import prepare
from tests.web_server import ROOT

_POSTGRES, _RABBITMQ = "PostgreSQL", "RabbitMQ"
_SHOWN = ("gateway", "tracking", _RABBITMQ, _POSTGRES)


def main() -> None:
    """Run the measurement from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.sizing", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5, help="of each round (default: 5)")
    parser.add_argument("--rounds", type=int, default=3, help="the median of these counts")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 32])
    parser.add_argument(
        "--data", type=Path, default=ROOT / ".warren" / "sizing", help="wiped first"
    )
    options = parser.parse_args()
    options.data = options.data.absolute()
    shutil.rmtree(options.data, ignore_errors=True)
    options.data.mkdir(parents=True)
    asyncio.run(_measure(options))
    shutil.rmtree(options.data)


async def _measure(options: argparse.Namespace) -> None:
    print(f"{describe_machine()}; Python {python_version()}")
    async with (
        EmbeddedPostgres(options.data / "postgres") as postgres,
        EmbeddedRabbitMQ(
            options.data / "rabbitmq", ROOT / ".warren" / "cache" / "rabbitmq"
        ) as rabbitmq,
    ):
        connection = await asyncpg.connect(postgres.dsn("postgres"))
        await connection.execute("CREATE DATABASE warren")
        await connection.close()
        peer = warren(options.data / "warren", postgres.dsn("warren"), rabbitmq.url)
        await peer.server.start()
        try:
            pids = {
                **peer.server.recorded()["processes"],
                _POSTGRES: [postgres.pid],
                _RABBITMQ: [rabbitmq.pid],
            }
            _print_memory("idle", pids)
            await prepare(peer)
            print(f"ms of processor time a request: {', '.join(_SHOWN)}, together; requests/s")
            for operation in OPERATIONS:
                if not operation.of_registry:
                    for clients in options.clients:
                        await _print_cost(peer, operation, clients, options, pids)
            _print_memory("after the load", pids)
        finally:
            await peer.server.stop()


async def _print_cost(
    peer: Peer,
    operation: Operation,
    clients: int,
    options: argparse.Namespace,
    pids: Mapping[str, Sequence[int]],
) -> None:
    costs: list[list[float]] = []
    rates = []
    for _ in range(options.rounds):
        before = {name: processor_seconds(pids[name]) for name in _SHOWN}
        seen = await measure(peer, operation, clients, options.seconds)
        used = [processor_seconds(pids[name]) - before[name] for name in _SHOWN]
        requests = max(1.0, seen.rate * options.seconds)
        costs.append([each * 1000 / requests for each in used])
        rates.append(seen.rate)
    medians = [statistics.median(each) for each in zip(*costs, strict=True)]
    cells = " ".join(f"{each:7.3f}" for each in [*medians, sum(medians)])
    rate = statistics.median(rates)
    print(f"{operation.name:<20} {clients:>4} clients {cells} {rate:9,.0f}", flush=True)


def _print_memory(when: str, pids: Mapping[str, Sequence[int]]) -> None:
    found = {name: resident_megabytes(each) for name, each in pids.items()}
    print(f"MB {when}: {', '.join(f'{name} {each:,.0f}' for name, each in found.items())}")


if __name__ == "__main__":
    main()
