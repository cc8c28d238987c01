"""search_model_versions: filters, orders, pages."""

from mlflow.tracking import MlflowClient
from scenario import refused, unique

DIALECT = "mlflow"
client = MlflowClient()
names = [unique("A"), unique("B")]
run_ids = [unique("run").replace("-", "")[:32] for _ in range(3)]
for name in names:
    client.create_registered_model(name)
    for number, run_id in enumerate(run_ids, start=1):
        tags = {"parity": "odd" if number % 2 else "even"}
        client.create_model_version(name, f"s3://{name}/{number}", run_id, tags=tags)
MINE = f"run_id IN ({', '.join(repr(run_id) for run_id in run_ids)})"


def found(condition: str = MINE, order_by: list[str] | None = None) -> list[str]:
    """Search and return the versions, as in A1."""
    versions = client.search_model_versions(condition, order_by=order_by)
    return [version.name[0] + version.version for version in versions]


A, B = names
assert found(order_by=["name ASC"]) == ["A3", "A2", "A1", "B3", "B2", "B1"]
assert found(order_by=["version_number", "name DESC"]) == ["B1", "A1", "B2", "A2", "B3", "A3"]
assert found(order_by=["creation_timestamp DESC", "name"])[0] == "B3"
assert found(f"name = '{A}'", ["version_number DESC"]) == ["A3", "A2", "A1"]
assert found(f"name = '{A}' AND version_number > 1", ["version_number"]) == ["A2", "A3"]
assert found(f"run_id = '{run_ids[1]}'", ["name"]) == ["A2", "B2"]
assert found(f"source_path = 's3://{B}/3'") == ["B3"]
assert found(f"source_path LIKE 's3://{B}/%'", ["version_number"]) == ["B1", "B2", "B3"]
assert found(f"{MINE} AND tags.parity = 'even'", ["name"]) == ["A2", "B2"]
assert found(f"{MINE} AND tags.parity != 'even' AND name = '{B}'", ["name"]) == ["B3", "B1"]
client.update_model_version(A, "1", "changed last")
assert found()[0] == "A1"

pages, token = [], None
while True:
    page = client.search_model_versions(
        MINE, max_results=4, order_by=["name ASC"], page_token=token
    )
    pages.append([version.name[0] + version.version for version in page])
    token = page.token
    if not token:
        break
assert pages == [["A3", "A2", "A1", "B3"], ["B2", "B1"]], pages

for filter_string in ("nonsense", "stage = 'x'", "version_number = 1.5", "source_path IN ('a')"):
    with refused("INVALID_PARAMETER_VALUE"):
        client.search_model_versions(filter_string)
with refused("INVALID_PARAMETER_VALUE"):
    client.search_model_versions(order_by=["run_id"])
