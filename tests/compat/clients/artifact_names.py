"""File names that clients send percent-encoded, or not: each comes back as it was sent.

Of ``#`` and ``?`` the clients themselves make no path: what follows is cut off before it is sent.
"""

import tempfile
from pathlib import Path

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from scenario import new_run

NAMES = [
    "with space.txt",
    "größe-模型-🐇.txt",
    "100%.txt",
    "a+b.txt",
    "(1) [2] {3}.txt",
    "'single' & ;=,@$!~.txt",
    "...txt",
    ".hidden",
    "no_extension",
    "n" * 200,
]

client = MlflowClient()
run_id = new_run(client, "artifact-names")
work = Path(tempfile.mkdtemp())
for name in NAMES:
    (work / name).write_text(name)

for directory in (None, "dir with space", "größe/1+1/100%"):
    client.log_artifacts(run_id, str(work), directory)
    found = {file.path for file in client.list_artifacts(run_id, directory)}
    wanted = {f"{directory}/{name}" if directory else name for name in NAMES}
    assert wanted <= found, wanted - found
    for name in NAMES:
        path = f"{directory}/{name}" if directory else name
        assert Path(client.download_artifacts(run_id, path)).read_text() == name, path

run = client.get_run(run_id)
listing = mlflow.artifacts.list_artifacts(run_id=run_id, artifact_path="dir with space")
assert len(listing) == len(NAMES), listing

for bad in ("../x", "/etc/passwd", "a/../../x"):
    try:
        client.download_artifacts(run_id, bad)
    except (MlflowException, OSError):
        continue
    message = f"{bad} was read"
    raise AssertionError(message)
