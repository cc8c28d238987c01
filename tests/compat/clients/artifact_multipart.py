"""Large files in parts, straight to the storage and back, as the clients do it when told to."""

import hashlib
import os
import tempfile
from pathlib import Path

MB = 1024**2
os.environ["MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD"] = "true"
os.environ["MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD"] = "true"
os.environ["MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE"] = str(10 * MB)
os.environ["MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE"] = str(5 * MB)
os.environ["MLFLOW_MULTIPART_DOWNLOAD_CHUNK_SIZE"] = str(7 * MB)

from mlflow.store.artifact import http_artifact_repo  # noqa: E402
from mlflow.tracking import MlflowClient  # noqa: E402
from scenario import new_run  # noqa: E402

sent: list[int] = []
original = http_artifact_repo.HttpArtifactRepository._upload_part


def counted(credential, *arguments, **options):
    """Count the parts that go to the storage."""
    sent.append(credential.part_number)
    return original(credential, *arguments, **options)


http_artifact_repo.HttpArtifactRepository._upload_part = staticmethod(counted)

client = MlflowClient()
run_id = new_run(client, "multipart")
file = Path(tempfile.mkdtemp()) / "large file größe.bin"
file.write_bytes(os.urandom(23 * MB + 17))

client.log_artifact(run_id, str(file), "dir/sub")
assert sorted(sent) == [1, 2, 3, 4, 5], sent
[info] = client.list_artifacts(run_id, "dir/sub")
assert (info.path, info.file_size) == (f"dir/sub/{file.name}", 23 * MB + 17), info

down = Path(client.download_artifacts(run_id, info.path))
assert hashlib.sha256(down.read_bytes()).digest() == hashlib.sha256(file.read_bytes()).digest()

# In the root of the run, and replaced by a smaller one.
client.log_artifact(run_id, str(file))
file.write_bytes(os.urandom(11 * MB))
client.log_artifact(run_id, str(file))
assert Path(client.download_artifacts(run_id, file.name)).read_bytes() == file.read_bytes()
