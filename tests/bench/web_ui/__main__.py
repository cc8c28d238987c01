"""Measures the web UI in Chromium, at Warren and at `mlflow server`, and writes a section of docs/ui.md.

It needs the development environment, the web UI (`make .venvs/mlflow-ui/.installed`), `mlflow server`
(`make .venvs/bench/.installed`) and Chromium.
"""

import argparse
import asyncio
import os
import shutil
from collections.abc import Sequence

from tests.bench.machine import describe_machine, paused
from tests.bench.options import parse_options
from tests.bench.peers import MLFLOW, WARREN, Peer, mlflow, warren
from tests.bench.report import with_section
from tests.bench.scale.loader import wait_for_background_work
from tests.bench.servers import Servers, running_servers
from tests.bench.web_ui.contents import Contents, load
from tests.bench.web_ui.report import HEADING, Report
from tests.bench.web_ui.split import Split
from tests.bench.web_ui.visits import Site, chromium, views, visit

Splits = dict[str, dict[str, list[Split]]]
"""Those of all rounds, by names of view and server."""


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.web_ui", description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000, help="runs of the large experiment")
    parser.add_argument("--points", type=int, default=100_000, help="points of each curve")
    parser.add_argument("--rounds", type=int, default=5, help="rounds; their median counts")
    options = parse_options(parser, page="docs/ui.md", data=".warren/bench-ui")
    os.environ["WARREN_UI_DIRECTORY"] = str(options.venvs / "mlflow-ui" / "build")
    shutil.rmtree(options.data, ignore_errors=True)
    options.data.mkdir(parents=True)
    report = asyncio.run(_run(options))
    shutil.rmtree(options.data)
    page = options.output.read_text()
    options.output.write_text(with_section(page, HEADING, report.markdown()))
    print(report.markdown())


async def _run(options: argparse.Namespace) -> Report:
    contents = Contents(options.runs, options.points)
    async with running_servers(options.data) as servers:
        peers = [
            warren(options.data / "warren", servers.dsns[WARREN], servers.amqp_url),
            mlflow(options.data / "mlflow", servers.dsns[MLFLOW], options.venvs / "bench"),
        ]
        try:
            sites = await _loaded(peers, servers, contents)
            splits = await _measure(peers, sites, contents, options.rounds)
        finally:
            await asyncio.gather(*(peer.server.stop() for peer in peers))
    versions = {peer.name: peer.version for peer in peers}
    return Report(machine=describe_machine(), versions=versions, splits=splits)


async def _loaded(peers: Sequence[Peer], servers: Servers, contents: Contents) -> list[Site]:
    """Start the servers, which makes their tables, and load the contents.

    Warren is down meanwhile, so that it does not work on contents which are not complete.
    """
    sites = []
    for peer in peers:
        await peer.server.start()
        if peer.name == WARREN:
            await peer.server.stop()
        experiments = await load(peer.name, servers.dsns[peer.name], contents)
        sites.append(Site(peer.name, peer.url, experiments))
        if peer.name == WARREN:
            await peer.server.start()
            await wait_for_background_work(peer.name, servers.dsns[peer.name])
    return sites


async def _measure(
    peers: Sequence[Peer], sites: Sequence[Site], contents: Contents, rounds: int
) -> Splits:
    """Visit all pages. The servers take turns within a round; a round before the first does not count."""
    splits: Splits = {}
    async with chromium() as browser:
        for view in views(contents):
            found = splits[view.name] = {site.name: [] for site in sites}
            for counts in (False, *[True] * rounds):
                for site in sites:
                    others = [each.server.process.pid for each in peers if each.name != site.name]
                    with paused(others):
                        await _ready(peers, site)
                        split = await visit(browser, site, view)
                    if counts:
                        found[site.name].append(split)
            times = {name: [f"{each.seconds:.2f}" for each in all_] for name, all_ in found.items()}
            print(f"{view.name}: {times}", flush=True)
    return splits


async def _ready(peers: Sequence[Peer], site: Site) -> None:
    """Wait for a server's connections: while it was stopped, RabbitMQ may have closed them."""
    for peer in peers:
        if peer.name == site.name and peer.server.record:
            await peer.server.all_ready()


if __name__ == "__main__":
    main()
