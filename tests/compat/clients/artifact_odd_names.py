"""Names that are changed on their way: whatever a client puts, it lists, downloads, and downloads with the directory.

Each name is put by plain HTTP, correctly encoded, and as a file by the client itself, which decodes some of them. The
content of a file is the name that it was put under.
"""

import os
import tempfile
from pathlib import Path
from urllib.parse import quote

import numpy as np
import requests
from mlflow.tracking import MlflowClient
from scenario import new_run

NAMES = [
    "a%z%41.txt",
    "50% of%20it.txt",
    "100%25.txt",
    "200%2525.txt",
    "1%.txt",
    "%.txt",
    "%zz.txt",
    "%e4%b8%ad.txt",
    "%ff.txt",
    "%c3b.txt",
    "a%2Fb.txt",
    "a%2fc/d.txt",
    "a%5Cb.txt",
    "c%00d.txt",
    "a%0Ab.txt",
    "a%17b.txt",
    "%17control.txt",
    "a%7Fb.txt",
    "a%2523.txt",
    "b%253f.txt",
    "k%step%20%timestamp%1719848%23a4f2.png",
    "k%step%23%timestamp%1719848%3fa4f2.png",
    " lead.txt",
    "  two.txt",
    "trail ",
    "a b.txt",
    "a+b+c.txt",
    "semicolon;",
    "a;b=c.txt",
    "Loss:final.txt",
    "1:2.txt",
    "key:value:more.txt",
    "~",
    "~a.txt",
    "...",
    "a..",
    "a.",
    ".hidden",
    "..a.txt",
    "a&b=c.txt",
    "[1].txt",
    "{x}$(y)!*'.txt",
    '"quoted".txt',
    "a@b.txt",
    "caf\u00e9.txt",
    "cafe\u0301.txt",
    "\u6a21\u578b-\U0001f407.txt",
    "\u200b.txt",
    "n" * 200,
]
REFUSED = [
    "a#b",
    "a?b",
    "..",
    "a/../b",
    "a/./b",
    "%2e%2e",
    "a//b",
    "a/",
    "http:x",
    "file:x",
    "n" * 256,
]
"""What MLflow's own server refuses, and what no client could get back."""

client = MlflowClient()
session = requests.Session()
run_id = new_run(client, "odd-names")
root = client.get_run(run_id).info.artifact_uri.removeprefix("mlflow-artifacts:/")
proxy = f"{os.environ['MLFLOW_TRACKING_URI']}/api/2.0/mlflow-artifacts/artifacts"


def put(name: str) -> requests.Response:
    """Put a file under a name by plain HTTP."""
    return session.put(f"{proxy}/{root}/plain/{quote(name, safe='')}", data=name.encode())


def files(directory: str) -> list[str]:
    """List all files below a directory, as the client sees them."""
    found = []
    for each in client.list_artifacts(run_id, directory):
        found += files(each.path) if each.is_dir else [each.path]
    return found


def check(directory: str, names: list[str]) -> dict[str, str]:
    """Compare what is in a directory to what was put there; return the contents by the paths as listed."""
    listed = files(directory)
    with tempfile.TemporaryDirectory() as to:
        client.download_artifacts(run_id, directory, to)
        together = {path: (Path(to) / path).read_text() for path in listed}
        assert sorted(together.values()) == sorted(names), set(names) ^ set(together.values())
    return together


for name in NAMES:
    assert (answer := put(name)).status_code == 200, (name, answer.text)
    assert session.get(f"{proxy}/{root}/plain/{quote(name, safe='')}").content == name.encode(), (
        name
    )
for name in REFUSED:
    assert (answer := put(name)).status_code == 400, (name, answer.text)
for path, content in check("plain", NAMES).items():
    assert Path(client.download_artifacts(run_id, path)).read_text() == content, path

# Of %00 the client makes NUL, which is refused.
own = [name for name in NAMES if "/" not in name and "%00" not in name]
with tempfile.TemporaryDirectory() as directory:
    for name in own:
        (Path(directory) / name).write_text(name)
    for name in ("50% of%20it.txt", "a%z%41.txt", " lead.txt", "Loss:final.txt"):
        client.log_artifact(run_id, str(Path(directory) / name), "own")
        path = f"own/{name}"
        assert Path(client.download_artifacts(run_id, path)).read_text() == name, name
    client.log_artifacts(run_id, directory, "together %41 and%2542")
    check("together %41 and%2542", own)

STEPS = [3, 20, 23]
for step in STEPS:
    client.log_image(
        run_id, np.zeros((2, 2, 3), dtype=np.uint8), key="key", step=step, synchronous=True
    )
with tempfile.TemporaryDirectory() as to:
    got = Path(client.download_artifacts(run_id, "images", to))
    images = [each for each in got.rglob("*") if each.is_file()]
    # Each has a smaller copy.
    assert len(images) == 2 * len(STEPS), images
