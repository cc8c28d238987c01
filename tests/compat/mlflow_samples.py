"""Run by a client's Python: print what that release's own store samples of given series, as JSON.

It reads ``[[series, asked], …]``. A series is a list of [timestamp, step, value], asked a list of
[max_results, start_step, end_step]. It prints a list of such series for each series.
"""

import json
import sys
import tempfile

from mlflow.entities import Metric
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore


def samples(store, series, asked):
    run = store.create_run("0", "user", 0, [], "run").info.run_id
    for start in range(0, len(series), 1000):
        part = series[start : start + 1000]
        store.log_batch(run, [Metric("m", float(v), t, s) for t, s, v in part], [], [])
    return [
        [[m.timestamp, m.step, "NaN" if m.value != m.value else m.value] for m in sample]
        for limit, first, last in asked
        for sample in [store.get_metric_history_bulk_interval([run], "m", limit, first, last)]
    ]


with tempfile.TemporaryDirectory() as folder:
    store = SqlAlchemyStore(f"sqlite:///{folder}/mlflow.db", f"{folder}/artifacts")
    json.dump([samples(store, *each) for each in json.load(sys.stdin)], sys.stdout)
