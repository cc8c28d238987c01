"""The sections: each loads its content into the servers' databases and asks for it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from deploy.local.embedded.postgres import EmbeddedPostgres
from tests.bench.machine import children, describe_machine, python_version
from tests.bench.peers import WARREN, Peer
from tests.bench.scale.contents import Contents
from tests.bench.scale.dataset import (
    LISTED_EXPERIMENTS,
    LOGGED_MODELS,
    MODELS,
    VERSIONS_EACH,
    Dataset,
)
from tests.bench.scale.loader import (
    SCHEMAS,
    Place,
    load_histories,
    load_lists,
    load_runs,
    wait_for_background_work,
)
from tests.bench.scale.measure import Target, measure, measure_memory
from tests.bench.scale.report import Section
from tests.bench.scale.rows import ALL, Row, history_rows, list_rows, search_rows
from tests.bench.scale.sizes import sizes_text, table_sizes


@dataclass(frozen=True)
class Content:
    """What a section is about: who loads it by its name and DSN, and what is asked of it then."""

    title: str
    about: str
    rows: Sequence[Row]
    load: Callable[[str, str], Awaitable[Place]]
    peers: Sequence[str] = ALL


SEARCHES = "Searches"
HISTORIES = "Histories"
LISTS = "Models, versions and experiments"


def searches(dataset: Dataset) -> Content:
    """Describe searches for runs."""

    async def load(peer: str, dsn: str) -> Place:
        return await load_runs(peer, dsn, dataset)

    about = "Each run has 10 metrics of 5 points, 10 params, 5 tags and a name."
    return Content(f"{SEARCHES}: {dataset}", about, search_rows(dataset), load)


def histories() -> Content:
    """Describe histories."""
    return Content(
        HISTORIES, "Runs with many points or many metrics.", history_rows(), load_histories
    )


def lists() -> Content:
    """Describe searches for what is no run, of which FastTrackML has only experiments."""

    async def load(_peer: str, dsn: str) -> Place:
        return await load_lists(dsn)

    about = (
        f"{MODELS:,} registered models with {VERSIONS_EACH:,} versions each, {LOGGED_MODELS:,} logged models, "
        f"{LISTED_EXPERIMENTS:,} experiments."
    )
    return Content(LISTS, about, list_rows(), load, (WARREN,))


class Bench:
    """The servers and their databases, into which contents are loaded, and which are asked for them."""

    def __init__(
        self,
        peers: Sequence[Peer],
        dsns: dict[str, str],
        postgres: EmbeddedPostgres,
        contents: Contents,
    ) -> None:
        self._peers = peers
        self._dsns = dsns
        self._postgres = postgres
        self._contents = contents

    async def start(self) -> None:
        """Start the servers. The first start makes their tables."""
        print("Starting the servers", flush=True)
        await asyncio.gather(*(peer.server.start() for peer in self._peers))

    async def stop(self) -> None:
        """Stop the servers."""
        await asyncio.gather(*(peer.server.stop() for peer in self._peers))

    async def load(self, content: Content) -> None:
        """Load a content where it is not yet, and return when all background work on it is done.

        The servers are down meanwhile, so that none works on it before it is complete.
        """
        if content.title.startswith(SEARCHES):
            self._contents.refuse_other(content.title, SEARCHES)
        lacking = [
            peer
            for peer in self._peers
            if peer.name in content.peers and peer.name not in self._contents.of(content.title)
        ]
        if lacking:
            await self.stop()
            for peer in lacking:
                place = await content.load(peer.name, self._dsns[peer.name])
                self._contents.add(content.title, peer.name, place)
            await self.start()
        for peer in self._peers:
            await wait_for_background_work(peer.name, self._dsns[peer.name])

    async def measure(self, content: Content, rounds: int) -> Section:
        """Ask for a content that is loaded."""
        places = self._contents.of(content.title)
        targets = [
            Target(peer, places[peer.name]) for peer in self._peers if peer.name in content.peers
        ]
        versions = {target.peer.name: target.peer.version for target in targets}
        section = Section(
            title=content.title,
            about=content.about,
            machine=describe_machine(),
            versions={**versions, "Python": python_version()},
            rounds=rounds,
            rows=content.rows,
            timings=await measure(content.rows, targets, rounds),
        )
        if content.title.startswith(SEARCHES):
            return await self._with_sizes(section, targets)
        if content.title == HISTORIES:
            memory = await measure_memory(content.rows, targets[0], self._processes)
            return replace(section, memory=memory)
        return section

    async def _with_sizes(self, section: Section, targets: Sequence[Target]) -> Section:
        """Add the sizes of all tables, and print them."""
        names = [target.peer.name for target in targets]
        sizes = {name: await table_sizes(self._dsns[name], SCHEMAS[name]) for name in names}
        for name, found in sizes.items():
            print(sizes_text(name, found), flush=True)
        return replace(section, sizes=sizes)

    def _processes(self) -> dict[int, str]:
        """Name Warren's processes and PostgreSQL's by process id."""
        recorded = self._peers[0].server.recorded()["processes"]
        named = {pid: service for service, pids in recorded.items() for pid in pids}
        return named | dict.fromkeys(children(self._postgres.pid), "PostgreSQL")
