"""The operations that are measured: a wrk script for each, with its settings."""

from dataclasses import dataclass, field
from pathlib import Path

SCRIPTS = Path(__file__).parent / "lua"
CLIENTS = (1, 8, 32, 128)
HISTORY_POINTS = 1000
SEARCHED_RUNS = 200
SEARCHED_TRACES = 3000
READ_TRACES = 20
MODELS = 200
VERSIONS_EACH = 1000

# More runs than clients of most cells: with fewer, FastTrackML's batches deadlock on each other's rows
# (it writes its latest metrics in no order), and the table would compare error paths.
WRITTEN_RUNS = 64


@dataclass(frozen=True)
class Operation:
    """One row group of the table. `settings` are the script's environment variables."""

    name: str
    script: str
    settings: dict[str, str] = field(default_factory=dict)
    of_registry: bool = False
    of_traces: bool = False
    spans: int = 0
    """Spans in one request, where they are the unit that counts."""

    @property
    def path(self) -> Path:
        """The wrk script."""
        return SCRIPTS / f"{self.script}.lua"


LOG_METRIC = Operation("log-metric", "log_metric")
LOG_SPANS = Operation("log 50 spans (OTLP)", "log_spans", of_traces=True, spans=50)
V3 = {"BENCH_PREFIX": "/api/3.0/mlflow"}

OPERATIONS = (
    LOG_METRIC,
    Operation("log-batch of 10", "log_batch", {"BENCH_METRICS": "10"}),
    Operation("log-batch of 100", "log_batch", {"BENCH_METRICS": "100"}),
    Operation("log-batch of 500", "log_batch", {"BENCH_METRICS": "500"}),
    Operation("create run", "create_run"),
    Operation("search runs", "search_runs"),
    Operation("get metric history", "get_history"),
    Operation("create model version", "create_version", of_registry=True),
    Operation("get version by alias", "get_by_alias", of_registry=True),
    Operation("search model versions", "search_versions", of_registry=True),
    LOG_SPANS,
    Operation("trace of MLflow 3: spans, end", "trace_v3", V3, of_traces=True),
    Operation("trace of MLflow 2: start, end", "trace_v2", of_traces=True),
    Operation("search traces", "search_traces", V3, of_traces=True),
    Operation("get trace of 50 spans", "get_trace", V3, of_traces=True),
)
