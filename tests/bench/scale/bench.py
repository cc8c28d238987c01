"""The sections: each loads its content into the servers' databases and asks for it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from deploy.local.embedded.postgres import EmbeddedPostgres
from tests.bench.machine import children, describe_machine, python_version
from tests.bench.peers import Peer
from tests.bench.scale.dataset import (
    LISTED_EXPERIMENTS,
    LOGGED_MODELS,
    MODELS,
    VERSIONS_EACH,
    Dataset,
)
from tests.bench.scale.loader import SCHEMAS, Place, load_histories, load_lists, load_runs
from tests.bench.scale.measure import Target, measure, measure_memory
from tests.bench.scale.report import Section
from tests.bench.scale.rows import Row, history_rows, list_rows, search_rows
from tests.bench.scale.sizes import TableSize, sizes_text, table_sizes


class Bench:
    """The servers and their databases; each of its sections loads its own content and asks for it."""

    def __init__(
        self,
        peers: Sequence[Peer],
        dsns: dict[str, str],
        postgres: EmbeddedPostgres,
        rounds: int,
    ) -> None:
        self._peers = peers
        self._dsns = dsns
        self._postgres = postgres
        self._rounds = rounds

    async def start(self) -> None:
        """Start the servers. The first start makes their tables."""
        print("Starting the servers", flush=True)
        await asyncio.gather(*(peer.server.start() for peer in self._peers))

    async def stop(self) -> None:
        """Stop the servers."""
        await asyncio.gather(*(peer.server.stop() for peer in self._peers))

    async def searches(self, dataset: Dataset) -> Section:
        """Measure searches for runs."""
        sizes: dict[str, list[TableSize]] = {}

        async def load(peer: Peer) -> Place:
            place = await load_runs(peer.name, self._dsns[peer.name], dataset)
            sizes[peer.name] = await self._print_sizes(peer)
            return place

        targets = await self._loaded(self._peers, load)
        about = "Each run has 10 metrics of 5 points, 10 params, 5 tags and a name."
        section = await self._measured(f"Searches: {dataset}", about, search_rows(dataset), targets)
        return replace(section, sizes=sizes)

    async def histories(self) -> Section:
        """Measure histories, and how much memory they take."""

        async def load(peer: Peer) -> Place:
            return await load_histories(peer.name, self._dsns[peer.name])

        rows = history_rows()
        targets = await self._loaded(self._peers, load)
        about = "Runs with many points or many metrics."
        section = await self._measured("Histories", about, rows, targets)
        memory = await measure_memory(rows, targets[0], self._processes)
        return replace(section, memory=memory)

    async def lists(self) -> Section:
        """Measure searches for what is no run, of which FastTrackML has only experiments."""

        async def load(peer: Peer) -> Place:
            return await load_lists(self._dsns[peer.name])

        targets = await self._loaded(self._peers[:1], load)
        about = (
            f"{MODELS:,} registered models with {VERSIONS_EACH:,} versions each, {LOGGED_MODELS:,} logged models, "
            f"{LISTED_EXPERIMENTS:,} experiments."
        )
        return await self._measured("Models, versions and experiments", about, list_rows(), targets)

    async def _loaded(
        self, peers: Sequence[Peer], load: Callable[[Peer], Awaitable[Place]]
    ) -> list[Target]:
        """Load contents while the servers are down, so that none works on it before it is complete."""
        await self.stop()
        targets = [Target(peer, await load(peer)) for peer in peers]
        await self.start()
        return targets

    async def _measured(
        self, title: str, about: str, rows: Sequence[Row], targets: Sequence[Target]
    ) -> Section:
        versions = {target.peer.name: target.peer.version for target in targets}
        return Section(
            title=title,
            about=about,
            machine=describe_machine(),
            versions={**versions, "Python": python_version()},
            rounds=self._rounds,
            rows=rows,
            timings=await measure(rows, targets, self._rounds),
        )

    async def _print_sizes(self, peer: Peer) -> list[TableSize]:
        sizes = await table_sizes(self._dsns[peer.name], SCHEMAS[peer.name])
        print(sizes_text(peer.name, sizes), flush=True)
        return sizes

    def _processes(self) -> dict[int, str]:
        """Name Warren's processes and PostgreSQL's by process id."""
        recorded = self._peers[0].server.recorded()["processes"]
        named = {pid: service for service, pids in recorded.items() for pid in pids}
        return named | dict.fromkeys(children(self._postgres.pid), "PostgreSQL")
