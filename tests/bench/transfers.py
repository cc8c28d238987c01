"""Measures large artifacts through Warren, through mlflow server and straight to S3.

Writes the section "Artifacts" of docs/bench.md; the rest of the page stays.
"""

import argparse
import asyncio
import os
import shutil
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from services.artifacts.settings import S3Settings
from services.artifacts.store.minio import MinioStore
from services.artifacts.store.objects import Signature
from tests.bench.machine import describe_machine
from tests.bench.options import parse_options
from tests.bench.peers import MLFLOW, WARREN, Peer, mlflow
from tests.bench.raw_http import download, upload
from tests.bench.report import HEADING_OF_TRANSFERS as HEADING
from tests.bench.report import with_section
from tests.web_server import WebServer, own_stack

STRAIGHT = "straight to S3"
MINIMUM_OF_STRAIGHT = 0.7
PROXY = "/api/2.0/mlflow-artifacts/artifacts"
_MEGABYTE = 1024 * 1024

Rates = Mapping[tuple[str, str], float]
"""MB/s by direction (``upload``, ``download``) and peer."""


@dataclass(frozen=True)
class Target:
    """Where one peer takes an artifact, and where it gives it."""

    name: str
    put: Callable[[], str]
    get: Callable[[], str]


def main() -> None:
    """Run the benchmark from the command line."""
    options = _options()
    shutil.rmtree(options.data, ignore_errors=True)
    options.data.mkdir(parents=True)
    options.data.chmod(0o755)
    file = options.data / "artifact"
    with file.open("wb") as written:
        for _ in range(options.megabytes):
            written.write(os.urandom(_MEGABYTE))
    section, met = asyncio.run(_bench(options, file))
    shutil.rmtree(options.data)
    page = options.output.read_text() if options.output.exists() else "# Benchmark\n"
    options.output.write_text(with_section(page, HEADING, section))
    print(section)
    sys.exit(0 if met else "A target was missed.")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.transfers", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="128 MB, 3 rounds: about 2 minutes")
    parser.add_argument(
        "--megabytes", type=int, default=1024, help="size of the file (default: 1024)"
    )
    parser.add_argument(
        "--rounds", type=int, default=5, help="rounds; their median counts (default: 5)"
    )
    options = parse_options(parser, page="docs/bench.md", data=".warren/transfers")
    if options.quick:
        options.megabytes, options.rounds = 128, 3
    return options


async def _bench(options: argparse.Namespace, file: Path) -> tuple[str, bool]:
    print("Starting the servers; mlflow takes more than a minute", flush=True)
    ours = own_stack(options.data / "warren")
    await ours.start()
    try:
        s3 = S3Settings(**ours.recorded()["s3"])
        # Its own bucket on the same server, so that neither finds the other's objects.
        theirs_s3 = s3.model_copy(update={"bucket": "mlflow"})
        store = MinioStore(theirs_s3)
        await store.ensure_bucket()
        backend = f"sqlite:///{options.data / 'mlflow.db'}"
        peer = mlflow(options.data / "mlflow", backend, options.venvs / "bench", theirs_s3)
        await peer.server.start()
        try:
            rates = _measure(_targets(ours, peer, store), file, options.rounds)
        finally:
            await peer.server.stop()
        return _section(rates, peer, options)
    finally:
        await ours.stop()


def _targets(ours: WebServer, peer: Peer, store: MinioStore) -> list[Target]:
    def proxied(name: str, url: str) -> Target:
        target = f"{url}{PROXY}/1/bench/artifact"
        return Target(name, lambda: target, lambda: target)

    def signed(method: str) -> str:
        lifetime = timedelta(minutes=10)
        return store.presign(Signature(method, "1/straight", lifetime))  # type: ignore[arg-type]

    straight = Target(STRAIGHT, lambda: signed("PUT"), lambda: signed("GET"))
    return [straight, proxied(WARREN, ours.url), proxied(MLFLOW, peer.url)]


def _measure(targets: Sequence[Target], file: Path, rounds: int) -> Rates:
    """Let the peers take turns, so that what disturbs one minute disturbs all of them."""
    seen: dict[tuple[str, str], list[float]] = {}
    megabytes = file.stat().st_size / 1e6
    for number in range(rounds):
        turn = number % len(targets)
        for target in [*targets[turn:], *targets[:turn]]:
            up = megabytes / upload(target.put(), file)
            down = megabytes / download(target.get(), file.stat().st_size)
            print(
                f"round {number + 1}: {target.name}: up {up:.0f}, down {down:.0f} MB/s", flush=True
            )
            seen.setdefault(("upload", target.name), []).append(up)
            seen.setdefault(("download", target.name), []).append(down)
    return {cell: statistics.median(each) for cell, each in seen.items()}


def _section(rates: Rates, peer: Peer, options: argparse.Namespace) -> tuple[str, bool]:
    about = (
        f"One file of {options.megabytes} MB, one client on the same machine, the median of {options.rounds} rounds. "
        f"{WARREN} (one gateway, RabbitMQ) and mlflow {peer.version} (`--serve-artifacts`) store on the same SeaweedFS. "
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {describe_machine()}. Written by `python -m tests.bench.transfers`."
    )
    wanted = f"at least {MINIMUM_OF_STRAIGHT} and ahead of mlflow"
    head = f"| MB/s | {STRAIGHT} | {WARREN} | {MLFLOW} | {WARREN} is, of straight | {wanted} |"
    lines = [HEADING, "", about, "", head, "|---|---:|---:|---:|---:|---|"]
    all_met = True
    for direction in ("upload", "download"):
        straight, ours, theirs = (rates[direction, name] for name in (STRAIGHT, WARREN, MLFLOW))
        met = ours >= MINIMUM_OF_STRAIGHT * straight and ours > theirs
        all_met = all_met and met
        lines.append(
            f"| {direction} | {straight:.0f} | {ours:.0f} | {theirs:.0f} | {ours / straight:.2f} "
            f"| {'yes' if met else '**no**'} |"
        )
    return "\n".join(lines) + "\n", all_met


if __name__ == "__main__":
    main()
