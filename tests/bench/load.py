"""One cell of the table: wrk runs a script against one peer for some seconds."""

import asyncio
import itertools
import json
import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from tests.bench.models import model_names
from tests.bench.operations import HISTORY_POINTS, SCRIPTS, Operation
from tests.bench.peers import Peer

_TIMEOUT_SECONDS = 60

# Each run of wrk gets steps of its own, beyond those that `prepare` has used, so that no point is a repetition.
_first_steps = itertools.count(10_000_000, 10_000_000)


@dataclass(frozen=True)
class Measurement:
    """What wrk saw: the rate in requests a second, latencies in milliseconds, failed requests.

    ``rates`` are those of all rounds, if this stands for several.
    """

    rate: float
    p50: float
    p99: float
    errors: int
    rates: tuple[float, ...] = ()

    def times(self, other: Self) -> float | None:
        """Return how many times the other's rate this one's is: the median of the rounds' ratios.

        The machine may be twice as fast in one minute as in another; within a round it rarely changes.
        """
        pairs = zip(self.rates, other.rates, strict=True)
        ratios = [ours / theirs for ours, theirs in pairs if theirs]
        return statistics.median(ratios) if ratios else None


async def measure(peer: Peer, operation: Operation, clients: int, seconds: float) -> Measurement:
    """Load one peer once."""
    command = [
        "wrk",
        "--threads",
        "1",
        "--connections",
        str(clients),
        "--duration",
        f"{seconds:.0f}s",
    ]
    command += ["--timeout", f"{_TIMEOUT_SECONDS}s", "--script", str(operation.path), peer.url]
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, **operation.settings, **_settings(peer, operation)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    lines = output.decode().splitlines()
    try:
        seen = json.loads(lines[-1])
    except (IndexError, ValueError) as error:
        message = f"wrk failed: {output.decode()}"
        raise RuntimeError(message) from error
    return Measurement(
        rate=(seen["requests"] - seen["statuses"]) / seen["microseconds"] * 1e6,
        p50=seen["p50"] / 1000,
        p99=seen["p99"] / 1000,
        errors=seen["statuses"] + seen["sockets"],
    )


def median(rounds: Sequence[Measurement]) -> Measurement:
    """Return the round of the median rate, with the errors and rates of all rounds."""
    rates = tuple(each.rate for each in rounds)
    chosen = rounds[rates.index(statistics.median_low(rates))]
    return replace(chosen, errors=sum(each.errors for each in rounds), rates=rates)


def _settings(peer: Peer, operation: Operation) -> dict[str, str]:
    return {
        "BENCH_LUA": str(SCRIPTS),
        "BENCH_NAMES": ",".join(_names(peer, operation)),
        "BENCH_EXPERIMENT": _experiment(peer, operation),
        "BENCH_TEMPLATES": str(peer.templates),
        "BENCH_TOKEN": peer.token,
        "BENCH_FIRST_STEP": str(next(_first_steps) + HISTORY_POINTS),
    }


def _names(peer: Peer, operation: Operation) -> Sequence[str]:
    """Return what the requests are about in turn: runs or models."""
    if operation.of_registry:
        return model_names()
    if operation.of_traces:
        return peer.traces
    return peer.history_runs if operation.script == "get_history" else peer.runs


def _experiment(peer: Peer, operation: Operation) -> str:
    """Return where to write, or what to search: a fast server would search among more, were they the same."""
    if operation.of_traces:
        searches = operation.script == "search_traces"
        return peer.searched_traces if searches else peer.traced_experiment
    return (
        peer.searched_experiment if operation.script == "search_runs" else peer.written_experiment
    )
