"""Label schemas and review queues."""

import mlflow
from mlflow.genai import label_schemas as labels
from mlflow.genai import review_queues as queues
from mlflow.genai.label_schemas import InputCategorical, InputNumeric, InputPassFail, InputText
from mlflow.genai.review_queues import ReviewQueue, ReviewStatus
from scenario import log_traces_synchronously, new_experiment, refused

SINCE = "3"
log_traces_synchronously()


def _queue(**more: object) -> ReviewQueue:
    new_experiment("reviewed")
    return queues.create_review_queue("weekly", queue_type="custom", **more)


def _trace() -> str:
    with mlflow.start_span("answer") as span:
        return span.trace_id


def _items(queue: ReviewQueue, **query: object) -> dict[str, ReviewStatus]:
    return {
        each.item_id: each.status
        for each in queues.list_review_queue_items(queue.queue_id, **query)
    }


def create_label_schema() -> None:
    experiment_id = new_experiment("labelled")
    inputs = {
        "right": InputPassFail(positive_label="ja", negative_label="nein"),
        "tone": InputCategorical(options=["kind", "rüde"], multi_select=True),
        "grade": InputNumeric(0, 1.5),
        "words": InputText(max_length=20),
    }
    for name, each in inputs.items():
        labels.create_label_schema(name, type="feedback", input=each, instruction="Look.")
        read = labels.get_label_schema(name, experiment_id=experiment_id)
        assert (read.input, read.instruction) == (each, "Look."), read
    with refused("RESOURCE_ALREADY_EXISTS"):
        labels.create_label_schema("words", type="expectation", input=InputText())


def get_label_schema() -> None:
    experiment_id = new_experiment("labelled")
    made = labels.create_label_schema("words", type="expectation", input=InputText())
    assert labels.get_label_schema("words", experiment_id=experiment_id) == made
    assert labels.get_label_schema(schema_id=made.schema_id) == made
    with refused("RESOURCE_DOES_NOT_EXIST"):
        labels.get_label_schema("others", experiment_id=experiment_id)


def list_label_schemas() -> None:
    new_experiment("labelled")
    for name in ("a", "b", "c"):
        labels.create_label_schema(name, type="feedback", input=InputText())
    everything = labels.list_label_schemas()
    assert {"a", "b", "c"} <= {each.name for each in everything}
    page = labels.list_label_schemas(max_results=2)
    rest = labels.list_label_schemas(max_results=100, page_token=page.token)
    assert [*page, *rest] == list(everything)


def update_label_schema() -> None:
    new_experiment("labelled")
    made = labels.create_label_schema("words", type="feedback", input=InputText())
    labels.update_label_schema(made.schema_id, name="text", enable_comment=True)
    read = labels.get_label_schema(schema_id=made.schema_id)
    assert (read.name, read.enable_comment, read.input) == ("text", True, made.input), read


def delete_label_schema() -> None:
    new_experiment("labelled")
    made = labels.create_label_schema("words", type="feedback", input=InputText())
    labels.delete_label_schema(schema_id=made.schema_id)
    with refused("RESOURCE_DOES_NOT_EXIST"):
        labels.get_label_schema(schema_id=made.schema_id)


def create_review_queue() -> None:
    new_experiment("reviewed")
    schema = labels.create_label_schema("words", type="feedback", input=InputText())
    made = queues.create_review_queue(
        "weekly", queue_type="custom", users=["Ann", "bob"], schema_ids=[schema.schema_id]
    )
    assert (made.users, made.schema_ids) == (["ann", "bob"], [schema.schema_id]), made
    with refused("RESOURCE_ALREADY_EXISTS"):
        queues.create_review_queue("Weekly", queue_type="custom")


def get_review_queue() -> None:
    made = _queue(users=["ann"])
    assert queues.get_review_queue(made.queue_id) == made
    assert queues.get_review_queue(name="weekly") == made


def get_or_create_user_queue() -> None:
    new_experiment("reviewed")
    own = queues.get_or_create_user_queue("ann")
    assert own.users == ["ann"], own
    assert queues.get_or_create_user_queue("ann") == own


def list_review_queues() -> None:
    _queue(users=["ann"])
    queues.get_or_create_user_queue("ann")
    queues.get_or_create_user_queue("bob")
    assert {each.name for each in queues.list_review_queues()} == {"ann", "bob", "weekly"}
    assert {each.name for each in queues.list_review_queues(user="ann")} == {"ann", "weekly"}


def update_review_queue() -> None:
    made = _queue(users=["ann"])
    changed = queues.update_review_queue(made.queue_id, name="monthly", users=["bob"])
    assert (changed.name, changed.users) == ("monthly", ["bob"]), changed
    assert queues.get_review_queue(made.queue_id) == changed


def delete_review_queue() -> None:
    made = _queue()
    queues.delete_review_queue(made.queue_id)
    with refused("RESOURCE_DOES_NOT_EXIST"):
        queues.get_review_queue(made.queue_id)


def add_items_to_review_queue() -> None:
    made = _queue()
    traces = [_trace(), _trace()]
    queues.add_items_to_review_queue(made.queue_id, item_ids=traces)
    queues.add_items_to_review_queue(made.queue_id, item_ids=traces[:1])
    assert _items(made) == dict.fromkeys(traces, ReviewStatus.PENDING)


def list_review_queue_items() -> None:
    made = _queue()
    traces = [_trace() for _ in range(3)]
    queues.add_items_to_review_queue(made.queue_id, item_ids=traces)
    page = queues.list_review_queue_items(made.queue_id, max_results=2)
    rest = queues.list_review_queue_items(made.queue_id, max_results=2, page_token=page.token)
    assert sorted(each.item_id for each in [*page, *rest]) == sorted(traces)
    assert _items(made, status="complete") == {}


def set_review_queue_item_status() -> None:
    made = _queue(users=["ann"])
    trace_id = _trace()
    queues.add_items_to_review_queue(made.queue_id, item_ids=[trace_id])
    done = queues.set_review_queue_item_status(
        made.queue_id, item_id=trace_id, status="complete", completed_by="ann"
    )
    assert done.completed_by, done
    assert _items(made, status="complete") == {trace_id: ReviewStatus.COMPLETE}


def remove_items_from_review_queue() -> None:
    made = _queue()
    traces = [_trace(), _trace()]
    queues.add_items_to_review_queue(made.queue_id, item_ids=traces)
    queues.remove_items_from_review_queue(made.queue_id, item_ids=traces[:1])
    assert list(_items(made)) == traces[1:]
