"""What a visit's time consists of, as Chromium's DevTools protocol tells it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

from playwright.async_api import CDPSession, Page


@dataclass(frozen=True)
class Transfer:
    """A request that reached the server. Times are seconds of the browser's clock."""

    path: str
    sent: float
    first_byte: float
    end: float
    size: int
    """Bytes of the answer as transferred, headers included."""

    @property
    def seconds(self) -> float:
        """The time from sending to the last byte."""
        return self.end - self.sent


@dataclass(frozen=True)
class Split:
    """The seconds of a visit and their parts, which overlap: a browser loads, computes and draws at the same time."""

    seconds: float
    transfers: tuple[Transfer, ...]
    script: float
    layout: float
    main_thread: float
    """Processor seconds of the page's thread, including those of scripts and of layout."""

    @property
    def waiting(self) -> float:
        """The seconds in which at least one request was under way."""
        return covered((each.sent, each.end) for each in self.transfers)

    @property
    def first_byte(self) -> float:
        """The seconds from sending the first request to the first byte of its answer."""
        first = min(self.transfers, key=lambda each: each.sent, default=None)
        return first.first_byte - first.sent if first else 0.0

    @property
    def longest(self) -> Transfer | None:
        """The request that took longest."""
        return max(self.transfers, key=lambda each: each.seconds, default=None)

    @property
    def size(self) -> int:
        """Bytes of all answers."""
        return sum(each.size for each in self.transfers)


def covered(intervals: Iterable[tuple[float, float]]) -> float:
    """Return the length of a union of intervals."""
    total, until = 0.0, float("-inf")
    for begin, end in sorted(intervals):
        total += max(0.0, end - max(begin, until))
        until = max(until, end)
    return total


@dataclass
class _Request:
    path: str
    sent: float = 0.0
    first_byte: float = 0.0
    end: float = 0.0
    size: int = 0


@dataclass
class Watch:
    """Counts what a page does between `begin` and `end`."""

    session: CDPSession
    _requests: dict[str, _Request] = field(default_factory=dict)
    _before: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    async def on(cls, page: Page) -> Self:
        """Open a session with the page's DevTools."""
        watch = cls(await page.context.new_cdp_session(page))
        watch.session.on("Network.requestWillBeSent", watch._asked)
        watch.session.on("Network.responseReceived", watch._answered)
        watch.session.on("Network.loadingFinished", watch._finished)
        await watch.session.send("Network.enable")
        # Processor time of the page's thread: on a busy machine, wall time would count what others do.
        await watch.session.send("Performance.enable", {"timeDomain": "threadTicks"})
        return watch

    async def begin(self) -> None:
        """Forget everything so far."""
        self._requests.clear()
        self._before = await self._metrics()

    async def end(self) -> Split:
        """Return what happened since `begin`."""
        after = await self._metrics()
        now = after["Timestamp"]
        spent = {name: value - self._before.get(name, 0.0) for name, value in after.items()}
        return Split(
            seconds=spent["Timestamp"],
            transfers=tuple(
                Transfer(
                    each.path, each.sent, each.first_byte, min(each.end or now, now), each.size
                )
                for each in self._requests.values()
                if each.sent
            ),
            script=spent["ScriptDuration"],
            layout=spent["LayoutDuration"] + spent["RecalcStyleDuration"],
            main_thread=spent["TaskDuration"],
        )

    async def _metrics(self) -> dict[str, float]:
        answer = await self.session.send("Performance.getMetrics")
        return {each["name"]: each["value"] for each in answer["metrics"]}

    def _asked(self, event: dict[str, Any]) -> None:
        url = urlsplit(event["request"]["url"])
        if url.scheme == "http":
            self._requests[event["requestId"]] = _Request(url.path)

    def _answered(self, event: dict[str, Any]) -> None:
        request, response = self._requests.get(event["requestId"]), event["response"]
        timing = response.get("timing")
        if request and timing and not response.get("fromDiskCache"):
            request.sent = timing["requestTime"] + timing["sendStart"] / 1000
            request.first_byte = timing["requestTime"] + timing["receiveHeadersEnd"] / 1000

    def _finished(self, event: dict[str, Any]) -> None:
        if request := self._requests.get(event["requestId"]):
            request.end = event["timestamp"]
            request.size = int(event["encodedDataLength"])
