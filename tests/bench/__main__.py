"""Compares Warren with mlflow server and FastTrackML: starts them, loads them in turns, and writes docs/bench.md."""

import argparse
import asyncio
import shutil
import sys
from collections.abc import Sequence

from tests.bench import training
from tests.bench.load import Measurement, measure, median
from tests.bench.machine import (
    describe_machine,
    paused,
    python_version,
    resident_megabytes,
    wrk_version,
)
from tests.bench.models import prepare_models
from tests.bench.operations import CLIENTS, OPERATIONS, Operation
from tests.bench.options import parse_options
from tests.bench.peers import (
    FASTTRACKML,
    MLFLOW,
    WARREN,
    Peer,
    fasttrackml,
    mlflow,
    warren,
    with_token,
)
from tests.bench.prepare import prepare
from tests.bench.report import (
    HEADING_OF_TRANSFERS,
    Report,
    kept_section,
    progress_line,
    with_section,
)
from tests.bench.servers import running_servers
from tests.bench.traces import prepare_traces
from tests.bench.training import measure_training

WARM_UP_SECONDS = 3
PAUSE_SECONDS = 0.5


def main() -> None:
    """Run the benchmark from the command line."""
    options = _options()
    if shutil.which("wrk") is None:
        sys.exit("wrk is missing: apt-get install wrk")
    shutil.rmtree(options.data, ignore_errors=True)
    options.data.mkdir(parents=True)
    report = asyncio.run(_bench(options))
    options.output.parent.mkdir(parents=True, exist_ok=True)
    before = options.output.read_text() if options.output.exists() else ""
    transfers = kept_section(before, HEADING_OF_TRANSFERS)
    options.output.write_text(with_section(report.markdown(), HEADING_OF_TRANSFERS, transfers))
    print(report.markdown().partition("## Rates")[0])
    print(f"The whole table is in {options.output}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="1 and 32 clients, one round of 3 s: about 7 minutes"
    )
    parser.add_argument(
        "--seconds", type=float, default=5, help="seconds of load in a round (default: 5)"
    )
    parser.add_argument(
        "--rounds", type=int, default=3, help="rounds; their median counts (default: 3)"
    )
    parser.add_argument(
        "--clients", type=int, nargs="+", default=list(CLIENTS), help="numbers of clients"
    )
    parser.add_argument(
        "--operation",
        action="append",
        default=[],
        help=f"only these, e.g. 'log-metric' or '{training.NAME}' (repeatable)",
    )
    options = parse_options(parser, page="docs/bench.md", data=".warren/bench")
    if options.quick:
        options.seconds, options.rounds, options.clients = 3, 1, [1, 32]
    return options


async def _bench(options: argparse.Namespace) -> Report:
    async with running_servers(options.data) as servers:
        dsns = servers.dsns
        peers = [
            warren(options.data / "warren", dsns[WARREN], servers.amqp_url),
            fasttrackml(
                options.data / "fasttrackml", dsns[FASTTRACKML], options.venvs / "fasttrackml"
            ),
            mlflow(options.data / "mlflow", dsns[MLFLOW], options.venvs / "bench"),
        ]
        try:
            print("Starting the servers; mlflow takes more than a minute", flush=True)
            await asyncio.gather(*(peer.server.start() for peer in peers))
            operations = [
                each
                for each in OPERATIONS
                if not options.operation or each.name in options.operation
            ]
            with_training = not options.operation or training.NAME in options.operation
            for peer in peers:
                print(f"Preparing runs on {peer.name}", flush=True)
                await prepare(peer)
                if any(each.of_registry and peer.takes_part(each) for each in operations):
                    print(f"Preparing models on {peer.name}", flush=True)
                    await prepare_models(peer, dsns[peer.name])
                traced = any(each.of_traces and peer.takes_part(each) for each in operations)
                if traced or (with_training and peer.name == WARREN):
                    print(f"Preparing traces on {peer.name}", flush=True)
                    await prepare_traces(peer)
            cells = await _load([*peers, with_token(peers[0])], operations, options)
            beside = None
            if with_training:
                with paused(peer.server.process.pid for peer in peers[1:]):
                    beside = await measure_training(
                        peers[0], servers, options.seconds, options.rounds
                    )
            return Report(
                machine=describe_machine(),
                versions={
                    **{peer.name: peer.version for peer in peers},
                    "Python": python_version(),
                    "wrk": wrk_version(),
                },
                memory=_memory(peers),
                seconds=options.seconds,
                rounds=options.rounds,
                cells=cells,
                training=beside,
            )
        finally:
            await asyncio.gather(*(peer.server.stop() for peer in peers))


async def _load(
    all_peers: list[Peer], operations: list[Operation], options: argparse.Namespace
) -> dict[tuple[str, int, str], Measurement]:
    """Measure all cells. The peers take turns within a round, so that what disturbs one minute disturbs all of them."""
    cells: dict[tuple[str, int, str], Measurement] = {}
    for operation in operations:
        peers = [peer for peer in all_peers if peer.takes_part(operation)]
        for peer in peers:
            await _measure_alone(peer, all_peers, operation, 8, WARM_UP_SECONDS)
        for clients in options.clients:
            rounds: dict[str, list[Measurement]] = {peer.name: [] for peer in peers}
            for number in range(options.rounds):
                turn = number % len(peers)
                for peer in peers[turn:] + peers[:turn]:
                    await asyncio.sleep(PAUSE_SECONDS)
                    rounds[peer.name].append(
                        await _measure_alone(peer, all_peers, operation, clients, options.seconds)
                    )
                latest = [(peer.name, rounds[peer.name][-1]) for peer in peers]
                print(progress_line(operation.name, clients, number + 1, latest), flush=True)
            for peer in peers:
                cells[operation.name, clients, peer.name] = median(rounds[peer.name])
    return cells


async def _measure_alone(
    peer: Peer, peers: Sequence[Peer], operation: Operation, clients: int, seconds: float
) -> Measurement:
    with paused(other.server.process.pid for other in peers if other.server is not peer.server):
        return await measure(peer, operation, clients, seconds)


def _memory(peers: list[Peer]) -> dict[str, float]:
    ours, *others = peers
    memory = {name: resident_megabytes(ours.server.pids(name)) for name in ("gateway", "tracking")}
    return memory | {peer.name: resident_megabytes([peer.server.process.pid]) for peer in others}


if __name__ == "__main__":
    main()
