"""Logged models: their life, params, tags and metrics, what runs read and made, and searches."""

import mlflow
from mlflow import MlflowClient
from mlflow.entities import LoggedModelInput, LoggedModelOutput, LoggedModelStatus
from scenario import new_experiment, refused, unique

SINCE = "3.0"

experiment = new_experiment("logged-models")
client = MlflowClient()

with mlflow.start_run() as run:
    run_id = run.info.run_id
    model = mlflow.initialize_logged_model(
        name="first", params={f"p{n}": str(n) for n in range(150)}, model_type="tree"
    )
    assert model.status == LoggedModelStatus.PENDING, model
    assert model.source_run_id == run_id, model
    assert model.model_id.startswith("m-"), model
    assert model.artifact_location.endswith(f"/models/{model.model_id}/artifacts"), model
    assert len(model.params) == 150, model.params
    mlflow.log_metric("acc", 0.7, step=1, model_id=model.model_id)
    mlflow.log_metrics({"acc": 0.8, "loss": 0.2}, step=2, model_id=model.model_id)

finalized = mlflow.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
assert finalized.status == LoggedModelStatus.READY, finalized
second = client.create_logged_model(experiment, name="second", tags={"team": "x"})
other = client.create_logged_model(experiment)
assert other.name, other

mlflow.set_logged_model_tags(model.model_id, {"team": "x", "stage": "a"})
mlflow.set_logged_model_tags(model.model_id, {"stage": "b"})
client.delete_logged_model_tag(model.model_id, "team")
with refused("RESOURCE_DOES_NOT_EXIST", "No tag with key 'team' found"):
    client.delete_logged_model_tag(model.model_id, "team")
mlflow.log_model_params({"late": "1"}, model_id=model.model_id)

loaded = mlflow.get_logged_model(model.model_id)
assert loaded.tags["stage"] == "b", loaded.tags
assert "team" not in loaded.tags, loaded.tags
assert loaded.params["late"] == "1", loaded.params
assert loaded.last_updated_timestamp >= loaded.creation_timestamp, loaded
points = sorted((point.key, point.step, point.value) for point in loaded.metrics)
assert points == [("acc", 1, 0.7), ("acc", 2, 0.8), ("loss", 2, 0.2)], points
assert {(point.run_id, point.model_id) for point in loaded.metrics} == {(run_id, model.model_id)}

run_id = client.create_run(experiment).info.run_id
client.log_metric(
    run_id, "acc", 0.9, model_id=second.model_id, dataset_name="test", dataset_digest="d"
)
(point,) = client.get_logged_model(second.model_id).metrics
assert (point.dataset_name, point.dataset_digest) == ("test", "d"), point
with refused("RESOURCE_DOES_NOT_EXIST", "Logged model with ID 'm-none' not found."):
    client.log_metric(run_id, "acc", 0.9, model_id="m-none")

client.log_inputs(run_id, models=[LoggedModelInput(model.model_id)])
client.log_outputs(run_id, models=[LoggedModelOutput(second.model_id, step=3)])
linked = client.get_run(run_id)
assert [each.model_id for each in linked.inputs.model_inputs] == [model.model_id], linked.inputs
made = [(each.model_id, each.step) for each in linked.outputs.model_outputs]
assert made == [(second.model_id, 3)], made


def found(filter_string: str = "", **options: object) -> list[str]:
    """Search and return the names of the models found."""
    models = mlflow.search_logged_models(
        [experiment], filter_string, output_format="list", **options
    )
    return [each.name for each in models]


assert found() == [other.name, "second", "first"], found()
assert found("name = 'first' AND metrics.acc > 0.75") == ["first"]
assert found("params.p7 = '7'") == ["first"]
assert found("tags.team IN ('x', 'y')") == ["second"]
assert found("model_type = 'tree'") == ["first"]
assert found("metrics.acc > 0.1", datasets=[{"dataset_name": "test"}]) == ["second"]
by_accuracy = [{"field_name": "metrics.acc", "ascending": False}]
assert found(order_by=by_accuracy) == ["second", "first", other.name]
assert found(order_by=by_accuracy, max_results=1) == ["second"]
with refused("INVALID_PARAMETER_VALUE", "Invalid comparison operator for attributes.name: '>'"):
    found("name > 'a'")
page = client.search_logged_models([experiment], max_results=2)
rest = client.search_logged_models([experiment], max_results=2, page_token=page.token)
assert [each.name for each in (*page, *rest)] == [other.name, "second", "first"]
assert rest.token is None, rest.token
assert mlflow.last_logged_model().model_id == model.model_id

client.delete_logged_model(other.model_id)
assert found() == ["second", "first"]
with refused("RESOURCE_DOES_NOT_EXIST", f"Logged model with ID '{other.model_id}' not found."):
    client.get_logged_model(other.model_id)
with refused("INVALID_PARAMETER_VALUE", "Invalid model name ('a/b') provided."):
    client.create_logged_model(experiment, name="a/b")
with refused("RESOURCE_DOES_NOT_EXIST", "No Experiment with id=987654321 exists"):
    client.create_logged_model("987654321", name=unique("lost"))
