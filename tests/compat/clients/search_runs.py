"""search_runs into pandas: the filter grammar, orders, nulls, NaN, views and pages."""

import math

import mlflow
import pandas as pd
from mlflow.entities import ViewType
from mlflow.tracking import MlflowClient
from scenario import new_experiment, refused

experiment = new_experiment("search-runs")
client = MlflowClient()

RUNS = 12
run_ids = []
for number in range(RUNS):
    with mlflow.start_run(run_name=f"run-{number:02}") as active:
        mlflow.log_params(
            {"model": "linear" if number % 2 else "Tree", "layer.size": number, "with space": "x y"}
        )
        mlflow.log_metrics({"loss": number / 10, "val/accuracy": 1 - number / 20})
        mlflow.set_tags({"team": f"team-{number % 3}", "quoted": "it's"})
        run_ids.append(active.info.run_id)
client.log_metric(run_ids[0], "sometimes", math.nan)
client.log_metric(run_ids[1], "sometimes", 5)
client.log_metric(run_ids[2], "sometimes", math.inf)
client.set_terminated(run_ids[3], "FAILED")
client.delete_run(run_ids[11])


def found(
    filter_string: str = "", order_by: list[str] | None = None, **options: object
) -> list[int]:
    """Search and return the numbers of the runs found."""
    runs = client.search_runs(
        [experiment], filter_string, order_by=order_by or ["attributes.run_name ASC"], **options
    )
    return [run_ids.index(run.info.run_id) for run in runs]


def filters() -> None:
    """Each kind of left side, comparator and quoting."""
    active = list(range(RUNS - 1))
    even, odd = active[::2], active[1::2]
    assert found() == active
    assert found("metrics.loss < 0.25") == [0, 1, 2]
    assert found("metrics.loss >= 0.95 ") == [10]
    assert found("metrics.`val/accuracy` > 0.9 and metrics.loss != 0") == [1]
    assert found('metrics."val/accuracy" = 1') == [0]
    assert found("params.model = 'Tree'") == even
    assert found("params.model != 'Tree'") == odd
    assert found("params.model LIKE 'T%'") == even
    assert found("params.model LIKE 't%'") == []
    assert found("params.model ILIKE 't%'") == even
    assert found("params.`layer.size` = '7'") == [7]
    assert found('params.`with space` = "x y"') == active
    assert found('tags.quoted = "it\'s"') == active
    assert found("tags.team = 'team-1' AND params.model = 'linear'") == [1, 7]
    assert found("tag.missing != 'x'") == []
    assert found("attributes.status = 'FAILED'") == [3]
    assert found("status != 'FAILED' and run_name LIKE 'run-0%'") == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    assert found("attributes.`run name` = 'run-05'") == [5]
    assert found("attributes.start_time > 0") == active
    assert found("start_time < 0") == []
    assert found(f"attributes.run_id IN ('{run_ids[2]}', '{run_ids[4]}')") == [2, 4]
    assert found(f"run_id NOT IN ('{run_ids[2]}')") == [each for each in active if each != 2]
    assert found("metrics.sometimes > 0") == [1, 2]
    assert found(run_view_type=ViewType.DELETED_ONLY) == [11]
    assert found(run_view_type=ViewType.ALL) == [*active, 11]


def orders() -> None:
    """Numbers before NaN before nothing, in both directions; several keys."""
    ascending = found(order_by=["metrics.sometimes ASC", "attributes.run_name DESC"])
    assert ascending == [1, 2, 0, 10, 9, 8, 7, 6, 5, 4, 3], ascending
    descending = found(order_by=["metrics.sometimes DESC", "attributes.run_name ASC"])
    assert descending == [2, 1, 0, 3, 4, 5, 6, 7, 8, 9, 10], descending
    by_text = found(order_by=["params.model", "metrics.loss DESC"])
    assert by_text == [10, 8, 6, 4, 2, 0, 9, 7, 5, 3, 1], by_text
    latest_first = [run_ids.index(run.info.run_id) for run in client.search_runs([experiment])]
    assert sorted(latest_first) == list(range(RUNS - 1)), latest_first
    starts = [run.info.start_time for run in client.search_runs([experiment])]
    assert starts == sorted(starts, reverse=True), starts


def pages() -> None:
    """Tokens walk through all runs once, also where the order has ties and nulls."""
    for order in ("metrics.sometimes ASC", "tags.team DESC", "start_time ASC"):
        seen, token = [], None
        while True:
            page = client.search_runs(
                [experiment], order_by=[order], max_results=4, page_token=token
            )
            assert len(page) <= 4
            seen += [run.info.run_id for run in page]
            token = page.token
            if not token:
                break
        whole = [run.info.run_id for run in client.search_runs([experiment], order_by=[order])]
        assert seen == whole, (order, seen, whole)


def pandas() -> None:
    """The fluent search's data frame."""
    frame = mlflow.search_runs(
        [experiment], "params.model = 'linear'", order_by=["metrics.loss DESC"]
    )
    assert isinstance(frame, pd.DataFrame)
    assert list(frame["metrics.loss"]) == [0.9, 0.7, 0.5, 0.3, 0.1], frame["metrics.loss"]
    assert set(frame["tags.team"]) == {"team-0", "team-1", "team-2"}
    assert str(frame["start_time"].dtype).startswith("datetime64"), frame["start_time"].dtype
    assert list(frame["params.layer.size"]) == ["9", "7", "5", "3", "1"]
    assert (frame["status"] == "FINISHED").sum() == 4, frame["status"]
    assert len(mlflow.search_runs([experiment], max_results=3)) == 3
    assert mlflow.search_runs([experiment], "metrics.loss > 99").empty


def wrong_filters() -> None:
    """A filter that is not understood is refused, not ignored."""
    for wrong in (
        "metrics.loss > 'x'",
        "params.model > 'a'",
        "params.model = Tree",
        "nonsense",
        "metrics.loss <",
        "x.y = 1",
    ):
        with refused("INVALID_PARAMETER_VALUE"):
            found(wrong)
    with refused("INVALID_PARAMETER_VALUE"):
        found(order_by=["metrics.loss SIDEWAYS"])
    with refused("INVALID_PARAMETER_VALUE"):
        client.search_runs([experiment], page_token="not a token")
    with refused("INVALID_PARAMETER_VALUE"):
        client.search_runs([experiment], max_results=50_001)


filters()
orders()
pages()
pandas()
wrong_filters()
