"""What the scripts of this folder share. They run in a stock client's environment and know nothing of Warren."""

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

REQUIREMENTS = ["scikit-learn"]
"""For models whose requirements are not to be inferred: that loads each in a process of its own."""


IS_MLFLOW_2 = mlflow.__version__.startswith("2.")


def since(_version: str) -> Callable:
    """Mark a function that needs this MLflow or a newer one; the tests read it from the script."""
    return lambda function: function


def until(_version: str) -> Callable:
    """Mark a function that needs an MLflow older than this; the tests read it from the script."""
    return lambda function: function


def unique(name: str) -> str:
    """Return a name that no other script and no earlier run of this one has used."""
    return f"{name}-{uuid.uuid4().hex[:12]}"


def new_experiment(name: str) -> str:
    """Make an experiment of the script's own, set it as the current one, and return its id."""
    return mlflow.set_experiment(unique(name)).experiment_id


def new_run(client: MlflowClient, name: str) -> str:
    """Make a run in a new experiment and return its id."""
    return client.create_run(client.create_experiment(unique(name))).info.run_id


@contextmanager
def refused(code: str, *fragments: str) -> Iterator[None]:
    """Expect the server to refuse what happens inside, with this error code and these words in its message."""
    try:
        yield
    except MlflowException as error:
        assert error.error_code == code, f"expected {code}, got {error.error_code}: {error}"
        for fragment in fragments:
            assert fragment in str(error), f"expected {fragment!r} in: {error}"
    else:
        message = f"expected {code}, but the call succeeded"
        raise AssertionError(message)


def logged_trace(name: str = "logged", **inputs: object) -> str:
    """Log a trace of one span in the current experiment and return its id."""
    with mlflow.start_span(name) as span:
        span.set_inputs(inputs)
    return span.request_id


def found_traces(
    client: MlflowClient, experiment_id: str, filter_string: str | None = None
) -> list[str]:
    """Return the ids of an experiment's traces that satisfy a filter."""
    found = client.search_traces([experiment_id], filter_string)
    return [each.info.request_id for each in found]


def log_traces_synchronously() -> None:
    """Send each trace when it ends. Waiting for what is sent in the background takes MLflow 3 a second each time."""
    os.environ["MLFLOW_ENABLE_ASYNC_TRACE_LOGGING"] = "false"


def flush() -> None:
    """Wait for what the client sends in the background."""
    if hasattr(mlflow, "flush_trace_async_logging"):
        mlflow.flush_trace_async_logging()
