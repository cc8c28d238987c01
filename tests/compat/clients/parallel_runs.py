"""Parallel runs: threads with a client each, and processes with the fluent API."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import mlflow
from mlflow.tracking import MlflowClient
from scenario import new_experiment, new_run

STEPS = 20


def in_thread(arguments: tuple[str, int]) -> str:
    """Log a run with a client of this thread's own."""
    experiment, number = arguments
    client = MlflowClient()
    run_id: str = client.create_run(experiment, tags={"worker": str(number)}).info.run_id
    client.log_param(run_id, "number", number)
    for step in range(STEPS):
        client.log_metric(run_id, "value", number * 1000 + step, step=step)
    client.set_terminated(run_id)
    return run_id


def in_process(arguments: tuple[str, int]) -> str:
    """Log a run as a training script does."""
    experiment, number = arguments
    with mlflow.start_run(experiment_id=experiment) as active:
        mlflow.log_param("number", number)
        for step in range(STEPS):
            mlflow.log_metrics({"value": number * 1000 + step}, step=step)
    return str(active.info.run_id)


def on_one_run(run_id: str, number: int) -> None:
    """Write one's own key and a key that all share, at steps of one's own."""
    client = MlflowClient()
    for step in range(STEPS):
        client.log_metric(run_id, f"own_{number}", step, step=step)
        client.log_metric(run_id, "shared", number, step=number * STEPS + step)


def check(run_ids: list[str]) -> None:
    """Find each run complete and unmixed."""
    client = MlflowClient()
    assert len(set(run_ids)) == len(run_ids), run_ids
    for number, run_id in enumerate(run_ids):
        run = client.get_run(run_id)
        assert run.info.status == "FINISHED", run.info
        assert run.data.params == {"number": str(number)}, run.data.params
        assert run.data.metrics == {"value": number * 1000 + STEPS - 1}, run.data.metrics
        values = [point.value for point in client.get_metric_history(run_id, "value")]
        assert values == [number * 1000 + step for step in range(STEPS)], values


def main() -> None:
    """Run the three forms one after the other."""
    experiment = new_experiment("parallel-runs")
    with ThreadPoolExecutor(8) as threads:
        check(list(threads.map(in_thread, [(experiment, number) for number in range(16)])))
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as processes:
        check(list(processes.map(in_process, [(experiment, number) for number in range(4)])))
    client = MlflowClient()
    run_id = new_run(client, "one-run")
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(on_one_run, [run_id] * 8, range(8)))
    assert client.get_run(run_id).data.metrics["shared"] == 7
    shared = client.get_metric_history(run_id, "shared")
    assert sorted(point.step for point in shared) == list(range(8 * STEPS)), len(shared)


if __name__ == "__main__":
    main()
