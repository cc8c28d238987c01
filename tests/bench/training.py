"""Training beside traces: how long a logged metric takes while spans come in, and what a span costs each process."""

import asyncio
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tests.bench.load import Measurement, measure
from tests.bench.machine import processor_seconds
from tests.bench.operations import LOG_METRIC, LOG_SPANS
from tests.bench.peers import Peer
from tests.bench.servers import Servers

NAME = "training beside traces"
CLIENTS = 8
MAX_GROWTH = 0.2
SHARE = 0.5
"""Of the maximum rate, with which spans come in."""

_CLIENTS_AT_MAXIMUM = 32
_AHEAD_SECONDS = 2
"""For which spans come in before and after a metric is measured beside them."""


@dataclass(frozen=True, kw_only=True)
class Training:
    """What was measured. A round is a measurement alone, and one beside spans.

    ``maximum`` and ``beside`` are spans a second. ``costs`` are processor seconds per 1,000 spans at the maximum.
    """

    maximum: float
    beside: float
    costs: Mapping[str, float]
    rounds: Sequence[tuple[Measurement, Measurement]]
    errors: int

    @property
    def growth(self) -> float:
        """By how much the 99th percentile grows: the median of the rounds."""
        return statistics.median(with_.p99 / alone.p99 for alone, with_ in self.rounds) - 1

    def target(self) -> str:
        """Write the row of the table of targets."""
        text = (
            f"log-metric, {CLIENTS} clients: p99 at most {100 * MAX_GROWTH:.0f}% longer while spans come in at half of the "
            "maximum rate"
        )
        met = "yes" if self.growth <= MAX_GROWTH else "**no**"
        return f"| {text} | {100 * self.growth:+.0f}% | {met} |"

    def markdown(self) -> Iterator[str]:
        """Write the section."""
        yield "## Training beside traces"
        yield ""
        yield (
            f"log-metric of {CLIENTS} clients, alone and while {CLIENTS} others send {self.beside:,.0f} spans/s, "
            f"which is half of the maximum of {self.maximum:,.0f}. The two alternate in {len(self.rounds)} rounds, "
            f"whose medians these are. {self.errors} requests failed."
        )
        yield ""
        yield "| log-metric | requests/s | p50 | p99 |"
        yield "|---|---:|---:|---:|"
        for name, cells in zip(("alone", "beside spans"), zip(*self.rounds, strict=True), strict=True):  # fmt: skip
            rate, p50, p99 = (
                statistics.median(getattr(each, field) for each in cells)
                for field in ("rate", "p50", "p99")
            )
            yield f"| {name} | {rate:,.1f} | {p50:,.2f} | {p99:,.2f} |"
        yield ""
        yield f"| process, with {_CLIENTS_AT_MAXIMUM} clients | CPU seconds per 1,000 spans |"
        yield "|---|---:|"
        for name, seconds in self.costs.items():
            yield f"| {name} | {seconds:.3f} |"
        yield ""


async def measure_training(peer: Peer, servers: Servers, seconds: float, rounds: int) -> Training:
    """Measure Warren, whose traces must be prepared."""
    print(f"Measuring {NAME}", flush=True)
    await measure(peer, LOG_SPANS, _CLIENTS_AT_MAXIMUM, seconds)  # To warm up.
    most, costs = await _maximum(peer, servers, seconds)
    rate = SHARE * most.rate
    measured: list[tuple[Measurement, Measurement]] = []
    errors = most.errors
    for number in range(rounds):
        alone = await measure(peer, LOG_METRIC, CLIENTS, seconds)
        beside, spans = await _beside(peer, rate, seconds)
        measured.append((alone, beside))
        errors += alone.errors + beside.errors + spans.errors
        print(
            f"{NAME}, round {number + 1}: p99 alone {alone.p99:.1f} ms, beside "
            f"{spans.rate * LOG_SPANS.spans:,.0f} spans/s {beside.p99:.1f} ms",
            flush=True,
        )
    return Training(
        maximum=most.rate * LOG_SPANS.spans,
        beside=rate * LOG_SPANS.spans,
        costs=costs,
        rounds=measured,
        errors=errors,
    )


async def _maximum(
    peer: Peer, servers: Servers, seconds: float
) -> tuple[Measurement, Mapping[str, float]]:
    pids = {name: peer.server.pids(name) for name in ("gateway", "traces")}
    pids |= {"PostgreSQL": [servers.postgres.pid], "RabbitMQ": [servers.rabbitmq.pid]}
    before = {name: processor_seconds(each) for name, each in pids.items()}
    most = await measure(peer, LOG_SPANS, _CLIENTS_AT_MAXIMUM, seconds)
    used = {name: processor_seconds(each) - before[name] for name, each in pids.items()}
    thousands = most.rate * seconds * LOG_SPANS.spans / 1000
    return most, {name: each / thousands for name, each in used.items()}


async def _beside(peer: Peer, rate: float, seconds: float) -> tuple[Measurement, Measurement]:
    """Measure log-metric in the middle of a load of spans; return both."""
    paced = replace(LOG_SPANS, settings={"BENCH_RATE": f"{rate:.2f}"})
    load = asyncio.create_task(measure(peer, paced, CLIENTS, seconds + 2 * _AHEAD_SECONDS))
    await asyncio.sleep(_AHEAD_SECONDS)
    metrics = await measure(peer, LOG_METRIC, CLIENTS, seconds)
    return metrics, await load
