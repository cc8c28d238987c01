"""The experiments that the pages show, loaded into both servers by SQL."""

from dataclasses import dataclass

from tests.bench.scale.dataset import LongRun
from tests.bench.scale.loader import load_histories

METRICS = 20
LONG_RUNS = 10

_FIRST_OF_MANY = 110_000_000
_FIRST_LONG = 120_000_000


@dataclass(frozen=True)
class Contents:
    """How many runs the large experiment has, and how many points each run of the other one."""

    runs: int
    points: int


@dataclass(frozen=True)
class Experiments:
    """The ids of both experiments at a server."""

    many_runs: str
    long_runs: str


async def load(peer: str, dsn: str, contents: Contents) -> Experiments:
    """Load both experiments. Each run has the params p0 to p9, tags, and metrics m0, m1, …."""
    many = [LongRun(METRICS, 1)] * contents.runs
    long = [LongRun(1, contents.points)] * LONG_RUNS
    places = [
        await load_histories(peer, dsn, many, _FIRST_OF_MANY),
        await load_histories(peer, dsn, long, _FIRST_LONG),
    ]
    return Experiments(*(place.experiments[0] for place in places))
