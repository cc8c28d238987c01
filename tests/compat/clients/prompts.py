"""The prompt registry: models with a tag, to which clients give an interface of its own."""

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from scenario import refused, unique

client = MlflowClient()
genai = getattr(mlflow, "genai", None)
api = genai if genai and hasattr(genai, "register_prompt") else mlflow
name, model = unique("prompt"), unique("model")

first = api.register_prompt(
    name=name, template="Hello {{name}}!", commit_message="first", tags={"lang": "en"}
)
assert (first.name, int(first.version), first.template) == (name, 1, "Hello {{name}}!")
second = api.register_prompt(name=name, template="Good day, {{name}}.")
assert int(second.version) == 2

loaded = api.load_prompt(f"prompts:/{name}/1")
assert loaded.template == "Hello {{name}}!"
assert loaded.commit_message == "first"
assert loaded.format(name="Ann") == "Hello Ann!"
assert api.load_prompt(name, version=2).template == "Good day, {{name}}."
api.set_prompt_alias(name, alias="live", version=1)
assert int(api.load_prompt(f"prompts:/{name}@live").version) == 1
api.set_prompt_alias(name, alias="live", version=2)
assert int(api.load_prompt(f"prompts:/{name}@live").version) == 2
api.delete_prompt_alias(name, alias="live")
try:
    gone = api.load_prompt(f"prompts:/{name}@live", allow_missing=True)
except (MlflowException, TypeError):
    gone = None
assert gone is None

client.create_registered_model(model)
client.create_model_version(model, "s3://bucket/path")
mine = [each.name for each in client.search_registered_models() if each.name in (name, model)]
assert mine == [model], mine
assert [each.name for each in client.search_model_versions(f"name = '{name}'")] == []
if hasattr(api, "search_prompts"):
    found = api.search_prompts(filter_string=f"name = '{name}'")
    assert [each.name for each in found] == [name]
    assert not list(api.search_prompts(filter_string=f"name = '{model}'"))

with refused("RESOURCE_ALREADY_EXISTS"):
    client.create_registered_model(name)
try:
    api.register_prompt(name=model, template="x")
except MlflowException as error:
    assert "model" in str(error), error
else:
    message = "a model's name was given to a prompt"
    raise AssertionError(message)
