"""Asynchronous logging: the client queues, batches in a thread, and everything is there after a flush."""

import mlflow
from mlflow.tracking import MlflowClient
from scenario import new_experiment

STEPS = 500

new_experiment("async-logging")
client = MlflowClient()

with mlflow.start_run() as active:
    waiting = [
        mlflow.log_metric("loss", 1 / (step + 1), step=step, synchronous=False)
        for step in range(STEPS)
    ]
    waiting += [
        mlflow.log_metrics({"a": step, "b": -step}, step=step, synchronous=False)
        for step in range(50)
    ]
    waiting += [mlflow.log_param(f"p{number}", number, synchronous=False) for number in range(120)]
    # Each key once: the client's ten threads send its batches in no order.
    waiting += [mlflow.set_tag(f"t{number}", number, synchronous=False) for number in range(20)]
    for each in waiting:
        each.wait()

mlflow.flush_async_logging()
run = client.get_run(active.info.run_id)
history = client.get_metric_history(active.info.run_id, "loss")
assert sorted(point.step for point in history) == list(range(STEPS)), len(history)
assert all(point.value == 1 / (point.step + 1) for point in history)
assert run.data.metrics == {"loss": 1 / STEPS, "a": 49, "b": -49}, run.data.metrics
assert run.data.params == {f"p{number}": str(number) for number in range(120)}, run.data.params
tags = {key: value for key, value in run.data.tags.items() if key.startswith("t")}
assert tags == {f"t{number}": str(number) for number in range(20)}, run.data.tags
