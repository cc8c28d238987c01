"""The life of a registered model: create, read, describe, tag, rename, delete."""

from mlflow.tracking import MlflowClient
from scenario import refused, unique

client = MlflowClient()
name, renamed = unique("model"), unique("renamed")

created = client.create_registered_model(
    name, tags={"team": "tests", "emoji": "🐇"}, description=""
)
assert created.name == name
assert created.tags == {"team": "tests", "emoji": "🐇"}, created.tags
model = client.get_registered_model(name)
assert model.creation_timestamp == model.last_updated_timestamp > 1_500_000_000_000, model
assert (model.latest_versions, model.aliases) == ([], {}), model
with refused("RESOURCE_ALREADY_EXISTS", f"Registered Model (name={name}) already exists."):
    client.create_registered_model(name)

updated = client.update_registered_model(name, description="It predicts.")
assert updated.description == "It predicts."
assert updated.last_updated_timestamp >= model.last_updated_timestamp

client.set_registered_model_tag(name, "team", "others")
client.set_registered_model_tag(name, "number", 7)
client.delete_registered_model_tag(name, "emoji")
client.delete_registered_model_tag(name, "emoji")
assert client.get_registered_model(name).tags == {"team": "others", "number": "7"}

version = client.create_model_version(name, "s3://bucket/path").version
client.set_registered_model_alias(name, "best", version)
client.rename_registered_model(name, renamed)
model = client.get_registered_model(renamed)
assert [(each.name, each.version) for each in model.latest_versions] == [(renamed, version)]
assert {alias: str(number) for alias, number in model.aliases.items()} == {"best": version}
assert model.tags == {"team": "others", "number": "7"}
with refused("RESOURCE_DOES_NOT_EXIST", f"Registered Model with name={name} not found"):
    client.get_registered_model(name)
client.create_registered_model(name)
with refused("RESOURCE_ALREADY_EXISTS", f"Registered Model (name={name}) already exists."):
    client.rename_registered_model(renamed, name)

client.delete_registered_model(renamed)
with refused("RESOURCE_DOES_NOT_EXIST", renamed):
    client.get_model_version(renamed, version)
with refused("RESOURCE_DOES_NOT_EXIST", renamed):
    client.delete_registered_model(renamed)
