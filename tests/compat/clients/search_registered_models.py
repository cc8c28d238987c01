"""search_registered_models: filters, orders, pages."""

from mlflow.tracking import MlflowClient
from scenario import refused, unique

client = MlflowClient()
prefix = unique("Model")
COUNT = 7
for number in reversed(range(COUNT)):
    tags = {"parity": "odd" if number % 2 else "even", "search": prefix}
    client.create_registered_model(f"{prefix}-{number}", tags=tags)
client.create_model_version(f"{prefix}-3", "s3://bucket/path")


def found(condition: str = "", order_by: list[str] | None = None) -> list[int]:
    """Search among this script's models and return their numbers."""
    mine = f"tags.search = '{prefix}'"
    filter_string = f"{mine} AND {condition}" if condition else mine
    models = client.search_registered_models(filter_string, order_by=order_by)
    return [int(model.name.rpartition("-")[2]) for model in models]


everything = list(range(COUNT))
assert found() == everything
assert found(order_by=["name DESC"]) == everything[::-1]
assert found(order_by=["last_updated_timestamp DESC", "name"])[0] == 3
assert found(order_by=["timestamp ASC"])[-1] == 3
assert found(f"name = '{prefix}-4'") == [4]
assert found("name LIKE '%-5'") == [5]
assert found(f"name ILIKE '{prefix.lower()}-6'") == [6]
assert found("tag.parity = 'odd'") == [1, 3, 5]
assert found("tags.`parity` != 'odd'") == [0, 2, 4, 6]
assert found("tags.parity LIKE 'e%'") == [0, 2, 4, 6]
assert found("name = 'nobody'") == []

pages, token = [], None
while True:
    page = client.search_registered_models(
        f"tags.search = '{prefix}'", max_results=3, page_token=token
    )
    pages.append([int(model.name.rpartition("-")[2]) for model in page])
    token = page.token
    if not token:
        break
assert pages == [[0, 1, 2], [3, 4, 5], [6]], pages

for filter_string in ("nonsense", "run_id = 'x'", "name > 'a'", "tags.a = 1", "name = a"):
    with refused("INVALID_PARAMETER_VALUE"):
        client.search_registered_models(filter_string)
with refused("INVALID_PARAMETER_VALUE"):
    client.search_registered_models(order_by=["nonsense"])
with refused("INVALID_PARAMETER_VALUE"):
    client.search_registered_models(max_results=1001)
with refused("INVALID_PARAMETER_VALUE"):
    client.search_registered_models(page_token="nonsense")
