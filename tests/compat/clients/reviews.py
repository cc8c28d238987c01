"""Label schemas and review queues: a trace is given to reviewers, and reviewed."""

import mlflow
from mlflow.genai import label_schemas as schemas
from mlflow.genai import review_queues as queues
from mlflow.genai.label_schemas import InputCategorical, InputNumeric, InputPassFail, InputText
from mlflow.genai.review_queues import ReviewStatus
from mlflow.tracking import MlflowClient
from scenario import new_experiment, refused

SINCE = "3.17"

experiment_id = new_experiment("reviews")
mlflow.set_experiment(experiment_id=experiment_id)


def named(listed):
    """Return the names of a list."""
    return [each.name for each in listed]


(default,) = schemas.list_label_schemas()
assert (default.name, default.is_default) == ("Feedback", True), default
polite = schemas.create_label_schema(
    "Polite?",
    type="feedback",
    input=InputPassFail(positive_label="Yes", negative_label="No"),
    instruction="Say whether it is.",
    enable_comment=True,
)
assert polite.experiment_id == experiment_id, polite
kind = schemas.create_label_schema(
    "Kind", type="expectation", input=InputCategorical(options=["a", "ü"], multi_select=True)
)
for name, given in (("Grade", InputNumeric(0, 1.5)), ("Words", InputText(max_length=20))):
    made = schemas.create_label_schema(name, type="feedback", input=given)
    assert made.input == given, made
    assert schemas.get_label_schema(name, experiment_id=experiment_id) == made
with refused("RESOURCE_ALREADY_EXISTS"):
    schemas.create_label_schema("Kind", type="feedback", input=InputText())
listed = schemas.list_label_schemas()
assert named(listed) == ["Words", "Grade", "Kind", "Polite?", "Feedback"], listed
assert listed[-1].is_default
page = schemas.list_label_schemas(max_results=3)
rest = schemas.list_label_schemas(max_results=3, page_token=page.token)
assert named([*page, *rest]) == named(listed), (page, rest)
renamed = schemas.update_label_schema(polite.schema_id, name="Polite")
assert schemas.get_label_schema(schema_id=polite.schema_id) == renamed
schemas.delete_label_schema(schema_id=made.schema_id)
with refused("RESOURCE_DOES_NOT_EXIST"):
    schemas.get_label_schema(schema_id=made.schema_id)


@mlflow.trace
def answer(question):
    """Make a trace."""
    return f"{question}!"


traced = []
for question in ("why", "how"):
    answer(question)
    traced.append(mlflow.get_last_active_trace_id())
mlflow.flush_trace_async_logging()

weekly = queues.create_review_queue(
    "Weekly",
    queue_type="custom",
    users=["Ada", "bob"],
    schema_ids=[kind.schema_id, polite.schema_id],
)
assert weekly.users == ["ada", "bob"], weekly
assert set(weekly.schema_ids) == {kind.schema_id, polite.schema_id}
with refused("RESOURCE_ALREADY_EXISTS"):
    queues.create_review_queue("WEEKLY", queue_type="custom")
own = queues.get_or_create_user_queue(user="Ada")
assert queues.get_or_create_user_queue(user="ada") == own
assert own.users == ["ada"], own
assert queues.get_review_queue(name="weekly", experiment_id=experiment_id) == weekly
assert named(queues.list_review_queues(user="ADA")) == ["ada", "Weekly"]
assert named(queues.list_review_queues(user="bob")) == ["Weekly"]

items = queues.add_items_to_review_queue(weekly.queue_id, item_ids=traced)
assert [each.item_id for each in items] == traced
assert {each.status for each in items} == {ReviewStatus.PENDING}
with refused("RESOURCE_DOES_NOT_EXIST"):
    queues.add_items_to_review_queue(weekly.queue_id, item_ids=["tr-none"])
with refused("INVALID_PARAMETER_VALUE"):
    queues.update_review_queue(weekly.queue_id, schema_ids=[])
done = queues.set_review_queue_item_status(
    weekly.queue_id, item_id=traced[0], status="complete", completed_by="bob"
)
# It is ascribed to a caller whom the server knows.
assert done.completed_by in {"root", "bob"}, done
assert done.completed_time_ms >= done.creation_time_ms, done
left = queues.list_review_queue_items(weekly.queue_id, status="pending")
assert [each.item_id for each in left] == traced[1:]
queues.remove_items_from_review_queue(weekly.queue_id, item_ids=traced[1:])
assert len(queues.list_review_queue_items(weekly.queue_id)) == 1
MlflowClient().delete_traces(experiment_id, trace_ids=traced)
assert len(queues.list_review_queue_items(weekly.queue_id)) == 0
changed = queues.update_review_queue(
    weekly.queue_id, name="Monthly", users=[], schema_ids=[polite.schema_id]
)
assert (changed.name, changed.users, changed.schema_ids) == ("Monthly", [], [polite.schema_id])
queues.delete_review_queue(weekly.queue_id)
with refused("RESOURCE_DOES_NOT_EXIST"):
    queues.get_review_queue(queue_id=weekly.queue_id)
