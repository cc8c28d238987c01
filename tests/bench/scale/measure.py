"""Times requests of one client at each peer in turn."""

import hashlib
import json
import re
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from operator import itemgetter
from typing import Any, Self

import aiohttp

from tests.bench.machine import paused
from tests.bench.peers import Peer
from tests.bench.scale.loader import Place
from tests.bench.scale.memory import growth
from tests.bench.scale.rows import Request, Row

_TIMEOUT_SECONDS = 300
_SLOW_SECONDS = 20
"""A request that takes longer is not repeated."""

_NEXT_PAGE = re.compile(rb'"next_page_token": ?"([^"]+)"')


@dataclass(frozen=True)
class Timing:
    """What a row took at one peer, in each round; how many items the answer has, and a digest of them.

    ``failure`` says why there is no answer; then there are no times.
    """

    milliseconds: tuple[float, ...] = ()
    items: int = 0
    digest: str = ""
    failure: str = ""

    @property
    def median(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.milliseconds)

    def times(self, other: Self) -> float | None:
        """Return how many times as fast as the other this one is: the median of the rounds' ratios."""
        pairs = zip(self.milliseconds, other.milliseconds, strict=False)
        ratios = [theirs / ours for ours, theirs in pairs]
        return statistics.median(ratios) if ratios else None


@dataclass(frozen=True)
class Target:
    """A peer, and where it has the contents."""

    peer: Peer
    place: Place


Timings = dict[tuple[str, str], Timing]
"""By names of row and peer."""


async def measure(rows: Sequence[Row], targets: Sequence[Target], rounds: int) -> Timings:
    """Measure all rows. Peers that are not asked are stopped meanwhile. Prints each row."""
    timings: Timings = {}
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        for row in rows:
            found = await _measure_row(session, row, targets, rounds)
            timings |= {(row.name, name): timing for name, timing in found.items()}
            print(progress_line(row.name, found), flush=True)
    return timings


async def measure_memory(
    rows: Sequence[Row], target: Target, processes: Callable[[], Mapping[int, str]]
) -> dict[str, tuple[str, float]]:
    """Return by row the process whose memory one request makes grow most, and by how many MB."""
    found: dict[str, tuple[str, float]] = {}
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        for row in rows:
            with growth(processes) as grown:
                await _first(session, row, target)
            found[row.name] = max(grown.items(), key=itemgetter(1), default=("", 0.0))
    return found


async def _measure_row(
    session: aiohttp.ClientSession, row: Row, targets: Sequence[Target], rounds: int
) -> dict[str, Timing]:
    asked = [target for target in targets if target.peer.name in row.peers]
    found: dict[str, Timing] = {}
    for target in asked:
        with _alone(target, targets):
            found[target.peer.name] = await _first(session, row, target)
    for number in range(rounds):
        turn = number % len(asked)
        for target in asked[turn:] + asked[:turn]:
            before = found[target.peer.name]
            if before.failure or sum(before.milliseconds) > _SLOW_SECONDS * 1000:
                continue
            with _alone(target, targets):
                took, _ = await _ask(session, row, target)
            # The first request filled caches and does not count.
            kept = before.milliseconds if number else ()
            found[target.peer.name] = replace(before, milliseconds=(*kept, took))
    return found


def _alone(target: Target, targets: Sequence[Target]) -> Any:
    return paused(each.peer.server.process.pid for each in targets if each is not target)


async def _first(session: aiohttp.ClientSession, row: Row, target: Target) -> Timing:
    try:
        took, bodies = await _ask(session, row, target)
    except (aiohttp.ClientError, TimeoutError) as error:
        return Timing(failure=str(error) or type(error).__name__)
    items = list(answered_items(bodies))
    digest = hashlib.sha256(repr(items).encode()).hexdigest()
    return Timing((took,), len(items), digest)


async def _ask(
    session: aiohttp.ClientSession, row: Row, target: Target
) -> tuple[float, list[bytes]]:
    """Send a request, and those for further pages, and return the milliseconds and the bodies."""
    server = target.peer.server
    if server.record:
        # While it was stopped, RabbitMQ may have closed its connections.
        await server.all_ready()
    request = row.request(target.place)
    bodies: list[bytes] = []
    began = time.perf_counter()
    while True:
        bodies.append(await _send(session, server.url, request))
        token = _NEXT_PAGE.search(bodies[-1]) if row.paged else None
        if token is None:
            return (time.perf_counter() - began) * 1000, bodies
        query = [each for each in request.query if each[0] != "page_token"]
        request = replace(request, query=[*query, ("page_token", token[1].decode())])


async def _send(session: aiohttp.ClientSession, url: str, request: Request) -> bytes:
    """Return the body of an answer. Raises aiohttp.ClientError for any status but 200."""
    method = "GET" if request.body is None else "POST"
    async with session.request(
        method, f"{url}/{request.path}", params=request.query, json=request.body
    ) as response:
        body = await response.read()
        if response.status != HTTPStatus.OK:
            message = f"{response.status}: {body[:200].decode(errors='replace')}"
            raise aiohttp.ClientError(message)
        return body


def answered_items(bodies: Sequence[bytes]) -> Iterator[Any]:
    """Return what peers must agree on: ids of runs in their order, points by run and step."""
    for body in bodies:
        document: Mapping[str, Any] = json.loads(body)
        if "run" in document:
            points = document["run"]["data"]["metrics"]
            yield from sorted((point["key"], point["value"]) for point in points)
        elif "metrics" in document:
            points = document["metrics"]
            yield from sorted((p.get("run_id", ""), p.get("step", 0), p["value"]) for p in points)
        else:
            for item in next((each for each in document.values() if isinstance(each, list)), []):
                yield item.get("info", {}).get("run_id", "")


def progress_line(row: str, found: Mapping[str, Timing]) -> str:
    """Write one line for the terminal."""
    times = "   ".join(
        f"{peer} {timing.failure or f'{timing.median:,.1f} ms ({timing.items:,})'}"
        for peer, timing in found.items()
    )
    return f"{row:<48} {times}"
