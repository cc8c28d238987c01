"""Requests about scorers, label schemas and review queues, and how their answers are compared between servers.

Both sides import this: the test, which asks Warren, and the script that asks MLflow's own server.
"""

import json
import re

IDS = re.compile(r"(?:ls|rq)-[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

CHOSEN = {
    "created_at", "last_updated_at", "creation_time", "creation_time_ms", "last_update_time_ms", "completed_time_ms",
    "online_scoring_config_id", "next_page_token", "trace",
}  # fmt: skip
"""What each server chooses; it is compared by its presence."""

OF_MLFLOW = {"error_class", "sqlstate"}
"""What only MLflow's errors have."""

EXPERIMENT_ID, SCHEMA_ID, QUEUE_ID = (
    "experiment_id",
    "label_schema.schema_id",
    "review_queue.queue_id",
)


def judge(**more):
    """Return the JSON of a judge with instructions."""
    data = {"instructions": "Is {{ outputs }} polite?", "model": "openai:/gpt-4.1-mini", **more}
    return json.dumps({"name": "j", "instructions_judge_pydantic_data": data})


def register(serialized, name="politeness", experiment="{e}"):
    """Return a registration."""
    fields = {"experiment_id": experiment, "name": name, "serialized_scorer": serialized}
    return ("POST", "scorers/register", fields)


def third_party(kwargs):
    """Return a judge of another library, inside one with a memory."""
    data = {"third_party_scorer_data": {"model": "openai:/m", "kwargs": kwargs}}
    return json.dumps({"memory_augmented_judge_data": {"base_judge": data}})


def online(**fields):
    """Return a configuration of a scorer."""
    return (
        "PUT",
        "scorers/online-config",
        {"experiment_id": "{e}", "name": "politeness", **fields},
    )


def schema(name, given, **more):
    """Return a new label schema."""
    fields = {"experiment_id": "{e}", "name": name, "type": "FEEDBACK", "input": given, **more}
    return ("POST", "label-schemas/create", fields)


def queue(name, **more):
    """Return a new queue."""
    fields = {"experiment_id": "{e}", "name": name, "queue_type": "CUSTOM", **more}
    return ("POST", "review-queues/create", fields)


def change(**more):
    """Return a change of a queue."""
    return ("POST", "review-queues/update", {"queue_id": "{q}", **more})


def trace(trace_id, experiment):
    """Return a new trace."""
    place = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment}}
    info = {
        "trace_id": trace_id,
        "trace_location": place,
        "request_time": "2026-01-01T00:00:00Z",
        "state": "OK",
    }
    return ("POST", "traces", {"trace": {"trace_info": info}})


def items(what, *item_ids, **more):
    """Return a change of a queue's items."""
    return (
        "POST",
        f"review-queues/items/{what}",
        {"queue_id": "{q}", "item_ids": item_ids, **more},
    )


def status(item_id, value, **more):
    """Return a change of an item's status."""
    fields = {"queue_id": "{q}", "item_id": item_id, "status": value, **more}
    return ("POST", "review-queues/items/set-status", fields)


PAIR = {"pass_fail": {"positive_label": "Yes", "negative_label": "No"}}
CHOICE = {"categorical": {"options": ["a", "b ü"], "multi_select": True}}
SCORER = {"experiment_id": "{e}", "name": "politeness"}
OF_E = {"experiment_id": "{e}"}
OF_Q = {"queue_id": "{q}"}
CODE = json.dumps({"ensemble_scorer_data": {"scorers": [{"call_source": "return 1"}]}})

# A text in braces stands for what the server has called it. After a request stands what of the answer gets which name.
SETTING = (
    ("POST", "experiments/create", {"name": "reviewed"}, "e", EXPERIMENT_ID),
    ("POST", "experiments/create", {"name": "other"}, "o", EXPERIMENT_ID),
    ("POST", "experiments/create", {"name": "gone"}, "x", EXPERIMENT_ID),
    ("POST", "experiments/delete", {"experiment_id": "{x}"}),
)

SCORERS = (
    *SETTING,
    (*register(judge()), "s", "scorer_id"),
    register(judge(model=None)),
    register(judge(model="databricks")),
    register('{"name": "b", "builtin_scorer_class": "Safety"}', "built in ü"),
    register("{", "bad"),
    register(CODE),
    register(third_party({"a": {"api_base": "x", "list": [["base_url", 1], ["b", 2]]}})),
    register(third_party([1])),
    register(third_party({"temperature": 0})),
    register(judge(model="  ")),
    register(judge(model=7)),
    register(judge(model="gateway:/mine")),
    register(judge(model="gateway:/")),
    register(judge(), "  "),
    register(judge(), ""),
    register("", "none"),
    register(judge(), experiment="{x}"),
    register(judge(), experiment="999999"),
    register(judge(), experiment="abc"),
    register(judge(), experiment=""),
    ("GET", "scorers/list", OF_E),
    ("GET", "scorers/list", {"experiment_id": "{x}"}),
    ("GET", "scorers/list", {"experiment_ids": ["{e}", "{x}", "{o}", "999999"]}),
    ("GET", "scorers/list", {"experiment_ids": ["{e}"], "experiment_id": "{e}"}),
    ("GET", "scorers/list", {}),
    ("GET", "scorers/versions", SCORER),
    ("GET", "scorers/versions", {**SCORER, "name": "none"}),
    ("GET", "scorers/get", SCORER),
    ("GET", "scorers/get", {**SCORER, "version": "2"}),
    ("GET", "scorers/get", {**SCORER, "version": "9"}),
    ("GET", "scorers/get", {**SCORER, "version": "0"}),
    ("GET", "scorers/get", {**SCORER, "name": "none", "version": "1"}),
    online(sample_rate=0),
    online(sample_rate=0.0, filter_string="status = 'OK'"),
    ("GET", "scorers/online-configs", {"scorer_ids": ["{s}", "none"]}),
    ("GET", "scorers/online-configs", {"scorer_ids": ["none"]}),
    online(sample_rate=0.5),
    online(sample_rate=1.5),
    online(sample_rate=-1),
    online(sample_rate=0, filter_string="nothing = 'OK'"),
    online(sample_rate=0, filter_string="status !"),
    online(sample_rate=0, name="none"),
    online(sample_rate=1, name="none"),
    online(),
    online(sample_rate=0, experiment_id="{x}"),
    ("GET", "scorers/online-configs", {"scorer_ids": ["{s}"]}),
    ("DELETE", "scorers/delete", {**SCORER, "version": 9}),
    ("DELETE", "scorers/delete", {**SCORER, "version": 3}),
    register(judge(model="openai:/again")),
    ("DELETE", "scorers/delete", {**SCORER, "version": 1}),
    ("GET", "scorers/versions", SCORER),
    ("DELETE", "scorers/delete", SCORER),
    ("DELETE", "scorers/delete", SCORER),
    ("GET", "scorers/get", SCORER),
    ("GET", "scorers/list", OF_E),
    ("GET", "scorers/online-configs", {"scorer_ids": ["{s}"]}),
)

SCHEMAS = (
    *SETTING,
    # MLflow makes the default question now.
    ("GET", "label-schemas/list", OF_E),
    (*schema("Polite?", PAIR, instruction="Say it.", enable_comment=True), "a", SCHEMA_ID),
    (*schema("Kind", CHOICE, type="EXPECTATION"), "b", SCHEMA_ID),
    (*schema("Grade", {"numeric": {"min_value": 0, "max_value": 1.5}}, type=2), "c", SCHEMA_ID),
    (*schema("Words", {"text": {"max_length": "20"}}), "d", SCHEMA_ID),
    (*schema("Free", {"text": {}}), "f", SCHEMA_ID),
    schema("Open", {"numeric": {}}),
    ("GET", "label-schemas/get", {"schema_id": "{a}"}),
    ("GET", "label-schemas/get-by-name", {**OF_E, "name": "Kind"}),
    ("GET", "label-schemas/get-by-name", {**OF_E, "name": "kind"}),
    ("GET", "label-schemas/get-by-name", {"experiment_id": "{x}", "name": "Kind"}),
    ("GET", "label-schemas/get", {"schema_id": "ls-none"}),
    schema("Polite?", PAIR),
    schema("Polite?", PAIR, experiment_id="{o}"),
    schema("n", PAIR, type=None),
    schema("n", PAIR, type="LABEL_SCHEMA_TYPE_UNSPECIFIED"),
    schema("n", {}),
    schema("n", None),
    schema("", PAIR),
    schema("n" * 251, PAIR),
    schema("n" * 250, PAIR),
    schema(" FeedBack ", PAIR),
    schema("n", PAIR, instruction="i" * 1001),
    schema("n", {"pass_fail": {"positive_label": "Yes"}}),
    schema("n", {"pass_fail": {"positive_label": "Yes", "negative_label": "Yes"}}),
    schema("n", {"pass_fail": {"positive_label": "Yes", "negative_label": "n" * 65}}),
    schema("n", {"categorical": {}}),
    schema("n", {"categorical": {"options": [str(each) for each in range(11)]}}),
    schema("n", {"categorical": {"options": ["a", ""]}}),
    schema("n", {"categorical": {"options": ["a", "a"]}}),
    schema("n", {"categorical": {"options": ["a" * 65]}}),
    schema("n", {"numeric": {"min_value": 2, "max_value": 2}}),
    schema("n", {"text": {"max_length": 0}}),
    schema("n", PAIR, experiment_id="{x}"),
    schema("n", PAIR, experiment_id="abc"),
    schema("n", PAIR, experiment_id="999999"),
    ("PATCH", "label-schemas/update", {"schema_id": "{a}", "name": "Polite"}),
    ("PATCH", "label-schemas/update", {"schema_id": "{a}", "name": "Polite"}),
    ("PATCH", "label-schemas/update", {"schema_id": "{a}", "name": "Kind"}),
    ("PATCH", "label-schemas/update", {"schema_id": "{a}", "name": ""}),
    ("PATCH", "label-schemas/update", {"schema_id": "{a}", "name": "feedback"}),
    (
        "PATCH",
        "label-schemas/update",
        {"schema_id": "{a}", "instruction": "", "enable_comment": False},
    ),
    ("PATCH", "label-schemas/update", {"schema_id": "{a}", "instruction": "i" * 1001}),
    ("PATCH", "label-schemas/update", {"schema_id": "{a}", "input": CHOICE}),
    ("PATCH", "label-schemas/update", {"schema_id": "{a}"}),
    (
        "PATCH",
        "label-schemas/update",
        {"schema_id": "{b}", "input": {"categorical": {"options": ["c"]}}},
    ),
    (
        "PATCH",
        "label-schemas/update",
        {"schema_id": "{b}", "input": {"categorical": {"options": ["c"], "multi_select": True}}},
    ),
    ("PATCH", "label-schemas/update", {"schema_id": "ls-none", "name": "n"}),
    ("GET", "label-schemas/list", {**OF_E, "max_results": "0"}),
    ("GET", "label-schemas/list", {**OF_E, "max_results": "50001"}),
    ("GET", "label-schemas/list", {**OF_E, "max_results": "3"}),
    ("GET", "label-schemas/list", {"experiment_id": "{x}"}),
    ("DELETE", "label-schemas/delete", {"schema_id": "{d}"}),
    ("DELETE", "label-schemas/delete", {"schema_id": "{d}"}),
    ("GET", "label-schemas/list", OF_E),
    ("GET", "label-schemas/get-by-name", {**OF_E, "name": "Feedback"}, "z", SCHEMA_ID),
    ("GET", "label-schemas/get", {"schema_id": "{z}"}),
    ("PATCH", "label-schemas/update", {"schema_id": "{z}", "enable_comment": True}),
    ("DELETE", "label-schemas/delete", {"schema_id": "{z}"}),
    (*queue("with the default", schema_ids=["{z}"]), "q", QUEUE_ID),
)

REVIEWS = (
    *SETTING,
    (*schema("Polite?", PAIR), "a", SCHEMA_ID),
    (*schema("Kind", CHOICE), "b", SCHEMA_ID),
    (*schema("Polite?", PAIR, experiment_id="{o}"), "c", SCHEMA_ID),
    (*queue("Weekly Ü", users=[" Ada ", "bob", "ADA"], schema_ids=["{a}", " {a} "]), "q", QUEUE_ID),
    queue("weekly ü"),
    queue("Default"),
    queue("  "),
    queue("n" * 251),
    queue("n", queue_type=None),
    queue("n", users=[""]),
    queue("n", users=[f"u{each}" for each in range(11)]),
    queue("n", users=["u" * 251]),
    queue("n", schema_ids=["{c}"]),
    queue("n", schema_ids=["s" * 37]),
    queue("n", experiment_id="{x}"),
    queue("n", experiment_id="999999"),
    (*queue(" Carol ", queue_type="USER"), "u", QUEUE_ID),
    queue("carol", queue_type=1, users=["dave"]),
    queue("carol", queue_type="USER", schema_ids=["{a}"]),
    ("POST", "review-queues/get-or-create-user", {**OF_E, "user": "CAROL"}),
    ("POST", "review-queues/get-or-create-user", {**OF_E, "user": "default"}, "v", QUEUE_ID),
    ("POST", "review-queues/get-or-create-user", {**OF_E, "user": "weekly ü"}),
    ("POST", "review-queues/get-or-create-user", {**OF_E, "user": "  "}),
    ("POST", "review-queues/get-or-create-user", {"experiment_id": "{x}", "user": "a"}),
    ("GET", "review-queues/get", OF_Q),
    ("GET", "review-queues/get", {"queue_id": "rq-none"}),
    ("GET", "review-queues/get-by-name", {**OF_E, "name": "WEEKLY ü"}),
    ("GET", "review-queues/get-by-name", {**OF_E, "name": "none"}),
    ("GET", "review-queues/list", OF_E),
    ("GET", "review-queues/list", {**OF_E, "user": " ADA"}),
    ("GET", "review-queues/list", {**OF_E, "user": "none"}),
    ("GET", "review-queues/list", {**OF_E, "max_results": "2"}),
    ("GET", "review-queues/list", {**OF_E, "max_results": "0"}),
    ("GET", "review-queues/list", {"experiment_id": "{x}"}),
    change(),
    change(update_users=True, users=["Zoe"], users_are_ignored=True),
    change(users=["nobody"]),
    change(update_schema_ids=True, schema_ids=["{b}", "{a}"]),
    change(update_schema_ids=True, schema_ids=["{c}"]),
    change(name="WEEKLY Ü"),
    change(name="Carol"),
    change(name="default"),
    change(name="Monthly"),
    change(new_owner=" Eve "),
    change(new_owner=" "),
    ("POST", "review-queues/update", {"queue_id": "{u}", "name": "n"}),
    ("POST", "review-queues/update", {"queue_id": "rq-none", "name": "n"}),
    trace("tr-1", "{e}"),
    trace("tr-2", "{e}"),
    trace("tr-3", "{e}"),
    trace("tr-9", "{o}"),
    items("add", "tr-2", " tr-1 ", "tr-2"),
    items("add", "tr-1", "tr-3", item_type="TRACE"),
    items("add", "tr-1", "tr-9", "none"),
    items("add"),
    items("add", ""),
    items("add", "i" * 51),
    ("POST", "review-queues/items/add", {"queue_id": "rq-none", "item_ids": ["tr-1"]}),
    change(update_schema_ids=True, schema_ids=[]),
    ("GET", "review-queues/items/list", OF_Q),
    status("tr-1", "COMPLETE", completed_by=" Ada"),
    status("tr-1", "COMPLETE", completed_by="bob"),
    status("tr-1", "DECLINED", completed_by="bob"),
    status("tr-2", 2, completed_by="bob"),
    status("tr-1", "COMPLETE"),
    status("tr-1", "COMPLETE", completed_by="  "),
    status("tr-1", "COMPLETE", completed_by="u" * 251),
    status("tr-1", "PENDING", completed_by="bob"),
    status("tr-1", None),
    status("tr-9", "COMPLETE", completed_by="bob"),
    ("POST", "review-queues/items/set-status", {"queue_id": "rq-none", "item_id": "tr-1", "status": "PENDING"}),
    ("GET", "review-queues/items/list", {**OF_Q, "status": "DECLINED"}),
    ("GET", "review-queues/items/list", {**OF_Q, "status": "REVIEW_STATUS_UNSPECIFIED", "max_results": "2"}),
    ("GET", "review-queues/items/list", {**OF_Q, "max_results": "0"}),
    ("GET", "review-queues/items/list", {"queue_id": "rq-none"}),
    ("GET", "review-queues/list", {**OF_E, "item_id": "tr-1"}),
    ("GET", "review-queues/list", {**OF_E, "item_id": "tr-1", "user": "zoe"}),
    ("GET", "review-queues/list", {**OF_E, "item_id": "tr-1", "user": "ada"}),
    status("tr-1", "PENDING"),
    items("remove", "tr-3", "none"),
    items("remove"),
    ("POST", "review-queues/items/remove", {"queue_id": "rq-none", "item_ids": ["tr-1"]}),
    ("GET", "review-queues/items/list", OF_Q),
    ("POST", "traces/delete-traces", {"experiment_id": "{e}", "request_ids": ["tr-1"]}),
    ("GET", "review-queues/items/list", OF_Q),
    ("DELETE", "label-schemas/delete", {"schema_id": "{b}"}),
    ("GET", "review-queues/get", OF_Q),
    ("POST", "review-queues/delete", OF_Q),
    ("POST", "review-queues/delete", OF_Q),
    ("GET", "review-queues/items/list", OF_Q),
    ("GET", "review-queues/list", {**OF_E, "item_id": "tr-2"}),
    (*queue("Monthly"), "q", QUEUE_ID),
    ("GET", "review-queues/items/list", OF_Q),
)  # fmt: skip

FAMILIES = {"scorers": SCORERS, "label schemas": SCHEMAS, "review queues": REVIEWS}


class Names:
    """What a server has called things: by the names in the requests, and all ids in the order in which they came."""

    def __init__(self):
        self._named = {}
        self._ids = []

    def fill(self, request):
        """Return the method, path and fields of a request, with the server's ids."""
        text = json.dumps(request[:3])
        for name, found in self._named.items():
            text = text.replace(f"{{{name}}}", found)
        return json.loads(text)

    def answer(self, request, answer):
        """Return an answer without what the server has chosen."""
        if named := request[3:]:
            name, path = named
            found = answer
            for part in path.split("."):
                found = found.get(part, {})
            self._named[name] = found or "missing"
        numbered = IDS.sub(self._number, json.dumps(answer))
        return _without_choices(json.loads(numbered))

    def _number(self, found):
        if found[0] not in self._ids:
            self._ids.append(found[0])
        return f"id {self._ids.index(found[0])}"


def _without_choices(value):
    if isinstance(value, dict):
        # MLflow has a row of the default question, and so its times.
        left_out = OF_MLFLOW | (CHOSEN if value.get("is_default") else set())
        return {
            key: bool(each) if key in CHOSEN else _without_choices(each)
            for key, each in value.items()
            if each not in ([], "", None) and key not in left_out
        }
    if not isinstance(value, list):
        return value
    # The label schemas of a queue are sorted by their ids.
    return (
        sorted(value)
        if set(map(type, value)) == {str}
        else [_without_choices(each) for each in value]
    )
