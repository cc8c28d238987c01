"""Artifacts of a run: files, directories, texts, dictionaries, figures, images, tables; there and back."""

import os
import re
import tempfile
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from scenario import new_experiment

experiment_id = new_experiment("artifacts")
client = MlflowClient()
work = Path(tempfile.mkdtemp())


def listed(run_id: str, path: str | None = None) -> dict[str, tuple[bool, int | None]]:
    """List one directory."""
    return {f.path: (f.is_dir, f.file_size) for f in client.list_artifacts(run_id, path)}


(work / "one.txt").write_text("one")
tree = work / "tree"
(tree / "sub" / "deep").mkdir(parents=True)
(tree / "top.txt").write_text("top")
(tree / "sub" / "middle.bin").write_bytes(os.urandom(100_000))
(tree / "sub" / "deep" / "empty").write_bytes(b"")

with mlflow.start_run() as run:
    run_id = run.info.run_id
    root = run.info.artifact_uri
    assert root.startswith("mlflow-artifacts:/"), root
    assert root.endswith(f"/{experiment_id}/{run_id}/artifacts"), root
    mlflow.log_artifact(work / "one.txt")
    mlflow.log_artifact(work / "one.txt", artifact_path="a/b")
    mlflow.log_artifacts(tree, artifact_path="tree")
    mlflow.log_artifacts(tree)
    mlflow.log_text("größe", "notes/größe.txt")
    mlflow.log_dict({"a": [1, 2]}, "config.json")
    mlflow.log_dict({"b": {"c": 3}}, "config.yaml")
    figure = Figure()
    figure.subplots().plot([1, 2, 3])
    mlflow.log_figure(figure, "plots/figure.png")
    picture = np.zeros((8, 8, 3), dtype=np.uint8)
    mlflow.log_image(picture, "picture.png")
    for step in range(3):
        mlflow.log_image(picture + step, key="dogs", step=step, timestamp=1_760_000_000_000 + step)
    mlflow.log_table({"question": ["a", "b"], "answer": ["c", "d"]}, "table.json")
    mlflow.log_table(pd.DataFrame({"question": ["e"], "answer": ["f"]}), "table.json")

assert listed(run_id)["one.txt"] == (False, 3)
assert listed(run_id)["tree"] == (True, None)
assert listed(run_id, "a") == {"a/b": (True, None)}
assert listed(run_id, "tree/sub") == {
    "tree/sub/deep": (True, None),
    "tree/sub/middle.bin": (False, 100_000),
}
assert listed(run_id, "one.txt") == {}
assert listed(run_id, "nothing") == {}
images = [Path(path).name for path in listed(run_id, "images")]
assert len(images) == 6, images  # Each step has a full picture and a thumbnail.
for step in range(3):
    [full] = [each for each in images if re.search(rf"step[%+]{step}[%+].*\.png", each)]
    seen = mlflow.artifacts.load_image(f"{root}/images/{full}")
    assert np.array_equal(seen, picture + step), full

down = Path(client.download_artifacts(run_id, "tree"))
assert (down / "sub" / "middle.bin").read_bytes() == (tree / "sub" / "middle.bin").read_bytes()
assert (down / "sub" / "deep" / "empty").read_bytes() == b""
everything = Path(mlflow.artifacts.download_artifacts(run_id=run_id))
assert (everything / "a" / "b" / "one.txt").read_text() == "one"
assert (everything / "top.txt").read_text() == "top"
by_uri = mlflow.artifacts.download_artifacts(f"runs:/{run_id}/one.txt", dst_path=str(work / "to"))
assert Path(by_uri).read_text() == "one"

assert mlflow.artifacts.load_text(f"{root}/notes/größe.txt") == "größe"
assert mlflow.artifacts.load_dict(f"{root}/config.json") == {"a": [1, 2]}
assert mlflow.artifacts.load_image(f"{root}/picture.png").size == (8, 8)
assert mlflow.artifacts.load_image(f"{root}/plots/figure.png").size == (640, 480)
table = mlflow.load_table("table.json", run_ids=[run_id])
assert list(table["answer"]) == ["c", "d", "f"], table

# A file is replaced, and a run's artifacts can be deleted one by one and all together.
client.log_text(run_id, "two", "one.txt")
assert mlflow.artifacts.load_text(f"{root}/one.txt") == "two"
repository = mlflow.store.artifact.artifact_repository_registry.get_artifact_repository(root)
repository.delete_artifacts("tree")
assert listed(run_id, "tree") == {}
repository.delete_artifacts()
assert listed(run_id) == {}

try:
    client.download_artifacts(run_id, "one.txt")
except (MlflowException, OSError) as error:
    assert "one.txt" in str(error) or "404" in str(error), error
else:
    raise AssertionError
