"""Aliases: set, move, read, delete; `latest` needs no alias."""

from mlflow.tracking import MlflowClient
from scenario import refused, unique

client = MlflowClient()
name = unique("model")
client.create_registered_model(name)
one, two, three = (client.create_model_version(name, "s3://bucket/path").version for _ in range(3))


def aliases_of(version: str) -> list[str]:
    """Return a version's aliases, without the one that GitLab's dialect has for each."""
    aliases = client.get_model_version(name, version).aliases
    return sorted(alias for alias in aliases if not alias[0].isdecimal())


client.set_registered_model_alias(name, "champion", one)
client.set_registered_model_alias(name, "first", one)
assert client.get_model_version_by_alias(name, "champion").version == one
assert aliases_of(one) == ["champion", "first"]
client.set_registered_model_alias(name, "champion", three)
assert client.get_model_version_by_alias(name, "champion").version == three
aliases = client.get_registered_model(name).aliases
assert {alias: str(version) for alias, version in aliases.items()} == {
    "champion": three,
    "first": one,
}
assert aliases_of(one) == ["first"]

client.delete_registered_model_alias(name, "first")
client.delete_registered_model_alias(name, "first")
with refused("INVALID_PARAMETER_VALUE", "Registered model alias first not found."):
    client.get_model_version_by_alias(name, "first")
client.delete_model_version(name, three)
assert client.get_registered_model(name).aliases == {}

assert client.get_model_version_by_alias(name, "latest").version == two
for alias in ("latest", "v1", "a b"):
    with refused("INVALID_PARAMETER_VALUE"):
        client.set_registered_model_alias(name, alias, one)
with refused("RESOURCE_DOES_NOT_EXIST", "version=999999"):
    client.set_registered_model_alias(name, "champion", "999999")
