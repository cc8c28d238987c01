"""Aliases: set, move, read, delete; `latest` needs no alias."""

from mlflow.tracking import MlflowClient
from scenario import refused, unique

client = MlflowClient()
name = unique("model")
client.create_registered_model(name)
for _ in range(3):
    client.create_model_version(name, "s3://bucket/path")

client.set_registered_model_alias(name, "champion", "1")
client.set_registered_model_alias(name, "first", "1")
assert client.get_model_version_by_alias(name, "champion").version == "1"
assert sorted(client.get_model_version(name, "1").aliases) == ["champion", "first"]
client.set_registered_model_alias(name, "champion", "3")
assert client.get_model_version_by_alias(name, "champion").version == "3"
aliases = client.get_registered_model(name).aliases
assert {alias: str(version) for alias, version in aliases.items()} == {
    "champion": "3",
    "first": "1",
}
assert client.get_model_version(name, "1").aliases == ["first"]

client.delete_registered_model_alias(name, "first")
client.delete_registered_model_alias(name, "first")
with refused("INVALID_PARAMETER_VALUE", "Registered model alias first not found."):
    client.get_model_version_by_alias(name, "first")
client.delete_model_version(name, "3")
assert client.get_registered_model(name).aliases == {}

assert client.get_model_version_by_alias(name, "latest").version == "2"
for alias in ("latest", "v1", "a b"):
    with refused("INVALID_PARAMETER_VALUE"):
        client.set_registered_model_alias(name, alias, "1")
with refused("RESOURCE_DOES_NOT_EXIST", "version=9"):
    client.set_registered_model_alias(name, "champion", "9")
