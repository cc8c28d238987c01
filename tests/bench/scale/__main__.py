"""`python -m tests.bench.scale`: load data sets, ask each server in turn, write docs/bench-scale.md."""

import argparse
import asyncio
import os
import shutil
from pathlib import Path

import asyncpg

from deploy.local.embedded.postgres import EmbeddedPostgres
from deploy.local.embedded.rabbitmq import EmbeddedRabbitMQ
from tests.bench.peers import FASTTRACKML, MLFLOW, WARREN, Peer, fasttrackml, mlflow, warren
from tests.bench.scale.bench import Bench, Content, histories, lists, searches
from tests.bench.scale.contents import Contents
from tests.bench.scale.dataset import Dataset
from tests.bench.scale.report import Section, with_sections
from tests.web_server import ROOT

SECTIONS = ("searches", "histories", "lists")
DATABASES = {WARREN: "warren", FASTTRACKML: "fasttrackml", MLFLOW: "mlflow"}


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
    parser.add_argument("--rounds", type=int, default=5, help="the median of these counts")
    parser.add_argument(
        "--sections", nargs="+", choices=SECTIONS, default=SECTIONS, help="default: all"
    )
    parser.add_argument(
        "--with-mlflow", action="store_true", help="also ask mlflow server, which is slow"
    )
    parser.add_argument("--without-peers", action="store_true", help="measure Warren alone")
    parser.add_argument("--keep", action="store_true", help="leave the data at the end")
    parser.add_argument(
        "--load-only", action="store_true", help="load, leave the data, and measure nothing"
    )
    parser.add_argument(
        "--reuse",
        action="store_true",
        help="begin with the data that an earlier call has left, load only what is missing, and leave them again",
    )
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "bench-scale.md")
    parser.add_argument(
        "--data",
        type=Path,
        default=ROOT / ".warren" / "bench-scale",
        help="wiped first, except with --reuse",
    )
    parser.add_argument(
        "--venvs", type=Path, default=Path(os.environ.get("WARREN_BENCH_VENVS", ROOT / ".venvs"))
    )
    options = parser.parse_args()
    options.data, options.venvs = options.data.absolute(), options.venvs.absolute()
    return options


async def _run(options: argparse.Namespace) -> list[Section]:
    async with (
        EmbeddedPostgres(options.data / "postgres") as postgres,
        EmbeddedRabbitMQ(
            options.data / "rabbitmq", ROOT / ".warren" / "cache" / "rabbitmq"
        ) as rabbitmq,
    ):
        await _create_databases(postgres)
        dsns = {name: postgres.dsn(database) for name, database in DATABASES.items()}
        contents = Contents(options.data)
        bench = Bench(_peers(options, dsns, rabbitmq.url), dsns, postgres, contents)
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


async def _create_databases(postgres: EmbeddedPostgres) -> None:
    connection = await asyncpg.connect(postgres.dsn("postgres"))
    try:
        names = [
            row["datname"] for row in await connection.fetch("SELECT datname FROM pg_database")
        ]
        for name in DATABASES.values():
            if name not in names:
                await connection.execute(f"CREATE DATABASE {name}")
    finally:
        await connection.close()


if __name__ == "__main__":
    main()
