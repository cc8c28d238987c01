"""Large files in parts, straight to the storage and back, as the clients do it when told to.

A server that allows no direct transfers says so, and the clients send and fetch through it instead.

MEGABYTES in the environment is the size of the largest. The last line of the output tells, as JSON, what was measured.
"""

import hashlib
import json
import math
import os
import tempfile
import threading
import time
from pathlib import Path

import requests

MB = 1024**2
SIZE = int(os.environ.get("MEGABYTES", "23")) * MB + 17
PART_UP, PART_DOWN = 5 * MB, 7 * MB
os.environ["MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD"] = "true"
os.environ["MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD"] = "true"
os.environ["MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE"] = str(10 * MB)
os.environ["MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE"] = str(PART_UP)
os.environ["MLFLOW_MULTIPART_DOWNLOAD_CHUNK_SIZE"] = str(PART_DOWN)

from mlflow.store.artifact import http_artifact_repo  # noqa: E402
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository  # noqa: E402
from mlflow.tracking import MlflowClient  # noqa: E402
from scenario import new_run  # noqa: E402


class Counted:
    """A function, and how often it was called: in all, and at most at a time."""

    def __init__(self, function):
        self._function = function
        self._lock = threading.Lock()
        self._now = 0
        self.calls = 0
        self.at_a_time = 0

    def __call__(self, *arguments, **options):
        with self._lock:
            self.calls += 1
            self._now += 1
            self.at_a_time = max(self.at_a_time, self._now)
        try:
            return self._function(*arguments, **options)
        finally:
            with self._lock:
                self._now -= 1


def fill(path, size):
    """Write random bytes to a file, and return their digest."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for start in range(0, size, MB):
            chunk = os.urandom(min(MB, size - start))
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()


def digest_of(path):
    """Return the digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def seconds(function, *arguments):
    """Call a function; return what it returns, and how long it took."""
    began = time.monotonic()
    returned = function(*arguments)
    return returned, time.monotonic() - began


sent = Counted(http_artifact_repo.HttpArtifactRepository._upload_part)
http_artifact_repo.HttpArtifactRepository._upload_part = staticmethod(sent)
# MLflow 2 downloads through the server alone.
downloads_in_parts = hasattr(http_artifact_repo, "download_chunk")
if downloads_in_parts:
    http_artifact_repo.download_chunk = Counted(http_artifact_repo.download_chunk)

info = requests.get(f"{os.environ['MLFLOW_TRACKING_URI']}/api/3.0/mlflow/server-info", timeout=60)
direct = info.json()["multipart_uploads_enabled"]
client = MlflowClient()
run_id = new_run(client, "multipart")
with tempfile.TemporaryDirectory() as directory:
    file, to = Path(directory) / "large file größe.bin", Path(directory) / "to"
    to.mkdir()
    digest = fill(file, SIZE)
    _, up_seconds = seconds(client.log_artifact, run_id, str(file), "dir/sub")
    assert sent.calls == (math.ceil(SIZE / PART_UP) if direct else 0), sent.calls
    assert sent.at_a_time > 1 or not direct
    [info] = client.list_artifacts(run_id, "dir/sub")
    assert (info.path, info.file_size) == (f"dir/sub/{file.name}", SIZE), info
    down, down_seconds = seconds(client.download_artifacts, run_id, info.path, str(to))
    if downloads_in_parts:
        received = http_artifact_repo.download_chunk
        assert received.calls == (math.ceil(SIZE / PART_DOWN) if direct else 0), received.calls
        assert received.at_a_time > 1 or not direct
    assert digest_of(Path(down)) == digest

    # In the root of the run, and replaced by a smaller one.
    fill(file, 12 * MB)
    client.log_artifact(run_id, str(file))
    digest = fill(file, 11 * MB)
    client.log_artifact(run_id, str(file))
    assert digest_of(Path(client.download_artifacts(run_id, file.name, str(to)))) == digest

get_artifact_repository(client.get_run(run_id).info.artifact_uri).delete_artifacts()
print(
    json.dumps(
        {
            "downloads_in_parts": downloads_in_parts,
            "downloaded": SIZE + 11 * MB,
            "up": SIZE / 1e6 / up_seconds,
            "down": SIZE / 1e6 / down_seconds,
        }
    )
)
