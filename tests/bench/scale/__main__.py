"""Measures searches, histories and lists of large data sets on each server in turn, and writes docs/bench-scale.md."""

import argparse
import asyncio
import shutil

from tests.bench.options import parse_options
from tests.bench.peers import FASTTRACKML, MLFLOW, WARREN, Peer, fasttrackml, mlflow, warren
from tests.bench.scale.bench import Bench, Content, histories, lists, searches
from tests.bench.scale.contents import Contents
from tests.bench.scale.dataset import Dataset
from tests.bench.scale.report import Section, with_sections
from tests.bench.servers import running_servers

SECTIONS = ("searches", "histories", "lists")


def main() -> None:
    """Run the benchmark from the command line."""
    options = _options()
    if not options.reuse:
        shutil.rmtree(options.data, ignore_errors=True)
    options.data.mkdir(parents=True, exist_ok=True)
    sections = asyncio.run(_run(options))
    if sections:
        before = options.output.read_text() if options.output.exists() else ""
        options.output.write_text(with_sections(before, sections))
    for section in sections:
        print(section.markdown())
    if not (options.keep or options.reuse or options.load_only):
        shutil.rmtree(options.data)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.scale", description=__doc__)
    parser.add_argument(
        "--runs", type=int, default=100_000, help="runs of an experiment (default: 100000)"
    )
    parser.add_argument(
        "--experiments",
        type=int,
        default=1,
        help="experiments with so many runs each (default: 1); a million runs take 30 GB and an hour",
    )
    parser.add_argument(
        "--rounds", type=int, default=5, help="rounds; their median counts (default: 5)"
    )
    parser.add_argument(
        "--sections", nargs="+", choices=SECTIONS, default=SECTIONS, help="default: all"
    )
    parser.add_argument(
        "--with-mlflow", action="store_true", help="also ask mlflow server, which is slow"
    )
    parser.add_argument("--without-peers", action="store_true", help="measure Warren alone")
    parser.add_argument("--keep", action="store_true", help="keep the data at the end")
    parser.add_argument(
        "--load-only", action="store_true", help="load, keep the data, and measure nothing"
    )
    parser.add_argument(
        "--reuse",
        action="store_true",
        help="start with the data that an earlier call has kept, load only what is missing, and keep them again",
    )
    return parse_options(parser, page="docs/bench-scale.md", data=".warren/bench-scale")


async def _run(options: argparse.Namespace) -> list[Section]:
    async with running_servers(options.data) as servers:
        peers = _peers(options, servers.dsns, servers.amqp_url)
        contents = Contents(options.data)
        bench = Bench(peers, servers.dsns, servers.postgres, contents)
        try:
            await bench.start()
            return [
                section
                for content in _contents(options)
                if (section := await _section(bench, content, options))
            ]
        finally:
            await bench.stop()


def _contents(options: argparse.Namespace) -> list[Content]:
    contents = {
        "searches": searches(Dataset(options.experiments, options.runs)),
        "histories": histories(),
        "lists": lists(),
    }
    return [contents[name] for name in options.sections]


async def _section(bench: Bench, content: Content, options: argparse.Namespace) -> Section | None:
    await bench.load(content)
    return None if options.load_only else await bench.measure(content, options.rounds)


def _peers(options: argparse.Namespace, dsns: dict[str, str], amqp_url: str) -> list[Peer]:
    peers = [warren(options.data / "warren", dsns[WARREN], amqp_url)]
    if not options.without_peers:
        folder, venv = options.data / "fasttrackml", options.venvs / "fasttrackml"
        peers.append(fasttrackml(folder, dsns[FASTTRACKML], venv))
    if options.with_mlflow:
        peers.append(mlflow(options.data / "mlflow", dsns[MLFLOW], options.venvs / "bench"))
    return peers


if __name__ == "__main__":
    main()
