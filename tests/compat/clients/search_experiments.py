"""search_experiments: filters, orders, pages."""

import mlflow
from mlflow.tracking import MlflowClient
from scenario import refused, unique

client = MlflowClient()
prefix = unique("Search")
COUNT = 7
ids = [
    client.create_experiment(
        f"{prefix}-{number}", tags={"parity": "odd" if number % 2 else "even", "search": prefix}
    )
    for number in range(COUNT)
]


def found(condition: str = "", order_by: list[str] | None = None) -> list[int]:
    """Search among this script's experiments and return their numbers."""
    mine = f"tags.search = '{prefix}'"
    experiments = client.search_experiments(
        filter_string=f"{mine} AND {condition}" if condition else mine,
        order_by=order_by or ["name ASC"],
    )
    return [ids.index(each.experiment_id) for each in experiments]


assert found() == list(range(COUNT))
assert found(order_by=["name DESC"]) == list(reversed(range(COUNT)))
assert found("tags.parity = 'odd'") == [1, 3, 5]
assert found("tags.parity != 'odd'") == [0, 2, 4, 6]
assert found("name LIKE '%-3'") == [3]
assert found(f"name ILIKE '{prefix.lower()}-4'") == [4]
assert found(f"attribute.name = '{prefix}-5'") == [5]
assert found("creation_time > 0 AND last_update_time > 0") == list(range(COUNT))
assert found("creation_time < 1000") == []
newest_first = client.search_experiments(filter_string=f"tags.search = '{prefix}'")
times = [each.creation_time for each in newest_first]
assert times == sorted(times, reverse=True), times

seen, token = [], None
while True:
    page = client.search_experiments(
        filter_string=f"tags.search = '{prefix}'",
        order_by=["name"],
        max_results=3,
        page_token=token,
    )
    seen += [ids.index(each.experiment_id) for each in page]
    token = page.token
    if not token:
        break
assert seen == list(range(COUNT)), seen

across = mlflow.search_runs(experiment_names=[f"{prefix}-0", f"{prefix}-1"])
assert across.empty, across

for wrong in ("nonsense", "name > 'x'", "metrics.x = 1", "tags.parity = odd"):
    with refused("INVALID_PARAMETER_VALUE"):
        client.search_experiments(filter_string=wrong)
with refused("INVALID_PARAMETER_VALUE"):
    client.search_experiments(max_results=50_001)
