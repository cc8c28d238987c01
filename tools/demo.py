"""Trains a small model with the stock MLflow client against Warren, and reads it back (`make demo`).

It uses the server at MLFLOW_TRACKING_URI or the one of `make run`. If there is none, it starts one for the demo.
That server ends with the demo, so the output says how to see the run afterwards. It runs in an environment with
mlflow and scikit-learn, so it imports nothing of Warren's.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
START_SECONDS = 60.0
STOP_SECONDS = 30.0
EPOCHS = 20


def main() -> None:
    """Find or start the server, train, and print the run's address."""
    given_uri = os.environ.get("MLFLOW_TRACKING_URI")
    if given_uri:
        page = train_and_read_back(given_uri)
        print(f"\nIts page: {page}")
        return
    if os.environ.get("WARREN_HTTP_TLS_CERT_FILE"):
        sys.exit(
            "With TLS, MLFLOW_TRACKING_URI says where the server is, by its certificate's name."
        )
    host = os.environ.get("WARREN_HOST") or "127.0.0.1"
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104  # Compared, not listened on.
    own_uri = f"http://{host}:{os.environ.get('WARREN_PORT') or '5000'}"
    with server(own_uri) as stays:
        page = train_and_read_back(own_uri)
    if stays:
        print(f"\nIts page: {page}")
    else:
        print(
            f"\nThe demo's server has ended; its data stay. To see the run: `make run`, then {page}"
        )


@contextmanager
def server(uri: str) -> Iterator[bool]:
    """Yield whether the server at `uri` outlives the block: True for a running one, False for one started here."""
    if answers(uri):
        print(f"Using the server at {uri}")
        yield True
        return
    print(f"No server answers at {uri}; starting one for the demo ...", flush=True)
    command = [str(ROOT / ".venv/bin/python"), "-m", "deploy.local.standalone"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        wait_for(uri, process)
        yield False
    finally:
        process.send_signal(signal.SIGTERM)
        printed, _ = process.communicate(timeout=STOP_SECONDS)
        # Its other output, the server's addresses, is void now. The token of a first start is still
        # needed.
        for line in printed.splitlines():
            if "token" in line:
                print(line)


def answers(uri: str) -> bool:
    """Return whether a Warren (or an MLflow server) answers."""
    try:
        with urllib.request.urlopen(f"{uri}/health", timeout=2) as answer:  # noqa: S310  # The scheme is always http.
            return bool(answer.read(3) == b"OK")
    except (urllib.error.URLError, OSError):
        return False


def wait_for(uri: str, process: "subprocess.Popen[str]") -> None:
    """Return when the server answers. Exits if it ends or does not answer in time."""
    deadline = time.monotonic() + START_SECONDS
    while not answers(uri):
        if process.poll() is not None or time.monotonic() > deadline:
            sys.exit("The server did not start; its own message is above.")
        time.sleep(0.1)


def train_and_read_back(uri: str) -> str:
    """Train a classifier with typical logging, then read everything back from the server.

    Returns the address of the run's page.
    """
    # MLflow would print links to the server, which may have ended when a user opens them.
    os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
    # These imports are slow. They come after the start of the server, which may fail first.
    import mlflow  # noqa: PLC0415
    from sklearn.datasets import load_digits  # noqa: PLC0415
    from sklearn.linear_model import SGDClassifier  # noqa: PLC0415
    from sklearn.metrics import log_loss  # noqa: PLC0415
    from sklearn.model_selection import train_test_split  # noqa: PLC0415

    mlflow.set_tracking_uri(uri)
    mlflow.set_experiment("demo")
    digits = load_digits()
    train_x, test_x, train_y, test_y = train_test_split(
        digits.data / 16.0, digits.target, random_state=0
    )
    parameters = {"loss": "log_loss", "alpha": 0.0001, "learning_rate": "optimal", "epochs": EPOCHS}
    model = SGDClassifier(loss="log_loss", alpha=0.0001, learning_rate="optimal", random_state=0)
    print(f"Training a digit classifier for {EPOCHS} epochs, logged to {uri} ...", flush=True)
    with mlflow.start_run(tags={"model": "SGDClassifier", "data": "digits"}) as run:
        mlflow.log_params(parameters)
        for epoch in range(EPOCHS):
            model.partial_fit(train_x, train_y, classes=range(10))
            loss = log_loss(test_y, model.predict_proba(test_x))
            mlflow.log_metrics(
                {"accuracy": model.score(test_x, test_y), "log_loss": loss}, step=epoch
            )
    show(uri, run.info.run_id)
    return f"{uri.rstrip('/')}/#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}"


def show(uri: str, run_id: str) -> None:
    """Print the run as the server returns it."""
    import mlflow  # noqa: PLC0415

    client = mlflow.MlflowClient(uri)
    run = client.get_run(run_id)
    print(f"\nRun {run.info.run_name} ({run_id}), {run.info.status}, read back from {uri}:")
    print("  parameters", dict(sorted(run.data.params.items())))
    print("  metrics   ", {key: round(value, 4) for key, value in run.data.metrics.items()})
    history = client.get_metric_history(run_id, "accuracy")
    print("  accuracy  ", " ".join(f"{point.value:.3f}" for point in history))
    best = mlflow.search_runs(
        experiment_names=["demo"],
        filter_string="metrics.accuracy > 0.5",
        order_by=["metrics.accuracy DESC"],
    )
    print(f"  search     {len(best)} run(s) of the experiment `demo` have an accuracy above 0.5")


if __name__ == "__main__":
    argparse.ArgumentParser(prog="make demo", description=__doc__).parse_args()
    main()
