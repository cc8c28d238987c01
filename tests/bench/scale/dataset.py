"""How much there is of everything."""

from dataclasses import dataclass

MODELS = 2_000
VERSIONS_EACH = 100
LOGGED_MODELS = 100_000
LISTED_EXPERIMENTS = 50_000


@dataclass(frozen=True)
class Dataset:
    """How many experiments, and how many runs each of them has. The runs start in turn in all of them."""

    experiments: int
    runs_each: int

    @property
    def runs(self) -> int:
        """The number of runs in all."""
        return self.experiments * self.runs_each

    def __str__(self) -> str:
        """Name it as the page does."""
        plural = "s" if self.experiments > 1 else ""
        return f"{self.experiments:,} experiment{plural} of {self.runs_each:,} runs"


@dataclass(frozen=True)
class LongRun:
    """A run with this many metrics, each with this many points."""

    metrics: int
    points: int


LONG_RUNS = (*(LongRun(1, 300_000) for _ in range(10)), LongRun(1, 1_000_000), LongRun(2_000, 1))
"""Ten runs to be sampled together, one with a million points, one with many metrics."""

FIRST_LONG_RUN = 100_000_000
"""The number of the first of them, beyond those of all data sets."""
