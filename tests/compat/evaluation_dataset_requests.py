"""Requests about evaluation datasets, and how their answers are compared between servers.

Both sides import this: the test, which asks Warren, and the script that asks MLflow's own server.
"""

import hashlib
import json
import re

IDS = re.compile(r"\b(?:d|dr)-[0-9a-f]{32}\b")


def records(*given):
    """Return the body of a merge."""
    return {"records": json.dumps(given)}


def search(filter_string="", **more):
    """Return a search for datasets."""
    body = {"filter_string": filter_string, **more} if filter_string else more
    return ("POST", "datasets/search", body)


HUMAN = {"source_type": "HUMAN", "source_data": {}}
ANY = {
    "text": "ü \u2028 \U0001f407",
    "none": None,
    "yes": True,
    "whole": 7,
    "half": 0.5,
    "large": 2**70,
    "list": [1, [2, {"a": None}]],
    "object": {"b": 1, "a": {"c": []}},
}
NUMBERS = {"nan": float("nan"), "endless": float("inf"), "one": 1.0}

# A text in braces stands for what the server has called it: datasets {d0}, {d1}…, records {dr0}…, experiments {e0}….
REQUESTS = (
    ("POST", "experiments/create", {"name": "evaluated"}),
    ("POST", "experiments/create", {"name": "compared"}),
    (
        "POST",
        "datasets/create",
        {
            "name": "first ü",
            "experiment_ids": ["{e0}", "0", "77"],
            "tags": json.dumps({"team": "red", "mlflow.user": "ada"}),
        },
    ),
    ("GET", "datasets/{d0}", None),
    ("GET", "datasets/{d0}/experiment-ids", None),
    ("GET", "datasets/{d0}/records", None),
    ("POST", "datasets/create", {"name": "second", "experiment_ids": ["{e1}"]}),
    ("POST", "datasets/create", {"name": "third", "tags": "{}"}),
    ("POST", "datasets/create", {"name": "First", "tags": json.dumps({"team": "Red", "x": ""})}),
    # Merges.
    (
        "POST",
        "datasets/{d0}/records",
        records(
            {"inputs": ANY, "outputs": {"answer": 1}, "expectations": ANY, "source": HUMAN},
            {"inputs": NUMBERS, "outputs": NUMBERS, "tags": {"k": "v", "mlflow.user": "bob"}},
            {"inputs": {"q": 1}, "outputs": None, "expectations": None, "tags": None},
            {"inputs": {"q": 1.0}, "outputs": "a text", "expectations": {}, "tags": {}},
            {"inputs": {"q": "1"}, "source": {"source_type": "code"}},
            {"inputs": {}, "outputs": [], "source": {}},
            {"outputs": {"b": []}},
            {
                "inputs": {"q": "t"},
                "source": {
                    "source_type": "TRACE",
                    "source_data": {"trace_id": "tr-1", "session_id": "s"},
                },
            },
            {
                "inputs": {"q": "d"},
                "source": {"source_type": "Document", "source_data": {"source_id": "page 7"}},
            },
            {"inputs": {"q": "u"}, "source": {"source_type": "UNSPECIFIED", "source_data": None}},
            {"inputs": {"a": 1, "b": 2}, "expectations": {"x": 1, "y": {"z": 1}}},
            {"inputs": {"b": 2, "a": 1}, "expectations": {"y": 2, "w": 3}, "tags": {"t": "1"}},
        ),
    ),
    ("GET", "datasets/{d0}", None),
    ("GET", "datasets/{d0}/records", None),
    (
        "POST",
        "datasets/{d0}/records",
        records(
            {"inputs": {"q": 1}, "expectations": {"late": True}, "tags": {"mlflow.user": "eve"}},
            {"inputs": {"q": 1.0}, "outputs": None, "tags": {"t": 1}},
            {"inputs": {"q": "1"}, "expectations": {}, "source": HUMAN},
            {"inputs": {"q": "t"}, "outputs": {"nothing": None}},
            {"inputs": {"new": 1}, "tags": {"mlflow.user": "eve"}},
        ),
    ),
    ("GET", "datasets/{d0}", None),
    ("GET", "datasets/{d0}/records", {"max_results": 50}),
    ("POST", "datasets/{d0}/records", records()),
    ("GET", "datasets/{d0}", None),
    # Outputs that are no objects have a type together.
    ("POST", "datasets/{d1}/records", records({"inputs": {"q": 1}, "outputs": "text"})),
    ("POST", "datasets/{d1}/records", records({"inputs": {"q": 2}, "outputs": 7})),
    ("GET", "datasets/{d1}", None),
    ("GET", "datasets/{d1}/records", None),
    # The first of the records that have a name by now are those of the dataset before.
    ("DELETE", "datasets/{d1}/records", {"dataset_record_ids": ["{dr0}", "dr-x", "x"]}),
    ("DELETE", "datasets/{d1}/records", {"dataset_record_ids": ["{last}"]}),
    ("GET", "datasets/{d1}", None),
    ("DELETE", "datasets/{d1}/records", {"dataset_record_ids": ["{before}"]}),
    ("GET", "datasets/{d1}", None),
    ("POST", "datasets/{d1}/records", records({"inputs": {"q": 3}})),
    ("GET", "datasets/{d1}", None),
    # Tags.
    (
        "PATCH",
        "datasets/{d1}/tags",
        {"tags": json.dumps({"a": 1, "b": True, "c": 1.5, "d": {"e": [None]}, "team": "blue"})},
    ),
    ("PATCH", "datasets/{d1}/tags", {"tags": json.dumps({"a": "2"})}),
    ("DELETE", "datasets/{d1}/tags/b", None),
    ("DELETE", "datasets/{d1}/tags/b", None),
    ("GET", "datasets/{d1}", None),
    # Experiments.
    ("POST", "datasets/{d2}/add-experiments", {"experiment_ids": ["{e1}", "{e0}", "{e1}x"]}),
    ("POST", "datasets/{d2}/add-experiments", {"experiment_ids": ["99999"]}),
    ("POST", "datasets/{d2}/add-experiments", {"experiment_ids": ["{e1}"]}),
    ("POST", "datasets/{d2}/add-experiments", {"experiment_ids": ["{e1}", "{e0}"]}),
    ("POST", "datasets/{d2}/add-experiments", {}),
    ("GET", "datasets/{d2}/experiment-ids", None),
    ("POST", "datasets/{d2}/remove-experiments", {"experiment_ids": ["{e1}", "12345", "x"]}),
    ("POST", "datasets/{d2}/remove-experiments", {"experiment_ids": ["{e1}"]}),
    ("GET", "datasets/{d2}/experiment-ids", None),
    # Searches.
    search(),
    search(experiment_ids=["{e0}"]),
    search(experiment_ids=["{e0}", "{e1}", "{e0}"], order_by=["name"]),
    search(experiment_ids=["77"]),
    search(experiment_ids=["none"]),
    *(
        search(text)
        for text in (
            "name = 'second'",
            'name = "first ü"',
            "name != 'second'",
            "name LIKE '%ir%'",
            "name LIKE 'F%'",
            "name ILIKE 'FIRST%'",
            "name IN ('second', 'third', 'other')",
            "name = 'second' AND tags.team = 'blue'",
            "tags.team = 'red'",
            "tags.team != 'red'",
            "tags.team ILIKE 'RED'",
            "tags.x = ''",
            "tags.missing != 'x'",
            "created_by = 'ada'",
            "created_by != 'bob'",
            "last_updated_by = 'eve'",
            "created_time > 0",
            "created_time <= 0",
            "last_update_time >= 1000 AND name LIKE 't%'",
            "created_time != 5",
            # Mistakes.
            "name NOT IN ('a')",
            "name = 7",
            "name = second",
            "created_time > 'x'",
            "created_time > 1.5",
            "created_time LIKE 'x'",
            "created_by IN ('ada')",
            "tags.team IN ('red')",
            "tags.team > 'red'",
            "tags.team IS NULL",
            "name IS NULL",
            "attributes.name = 'second'",
            "tag.team = 'red'",
            "digest = 'x'",
            "name = 'a' OR name = 'b'",
            "name",
        )
    ),
    *(
        search(order_by=orders)
        for orders in (
            ["name"],
            ["name DESC"],
            ["created_time ASC"],
            ["last_update_time DESC", "name"],
            ["name ASC", "name DESC"],
            ["created_by"],
            ["tags.team"],
            ["name sideways"],
        )
    ),
    search(max_results=2, order_by=["name"]),
    search(max_results=2, order_by=["name"], page_token="{token}"),
    search(max_results=-1),
    search(max_results=50_001),
    ("GET", "datasets/search", {"filter_string": "name = 'second'"}),
    # What does not exist.
    ("GET", "datasets/{none}", None),
    ("PATCH", "datasets/{none}/tags", {"tags": "{}"}),
    ("DELETE", "datasets/{none}/tags/a", None),
    ("POST", "datasets/{none}/add-experiments", {"experiment_ids": ["0"]}),
    ("POST", "datasets/{none}/remove-experiments", {"experiment_ids": ["0"]}),
    ("GET", "datasets/{none}/experiment-ids", None),
    ("GET", "datasets/{none}/records", None),
    ("DELETE", "datasets/{none}/records", {"dataset_record_ids": ["x"]}),
    ("DELETE", "datasets/{none}", None),
    ("POST", "datasets/create", {}),
    ("POST", "datasets/create", {"name": ""}),
    ("PATCH", "datasets/{d0}/tags", {}),
    ("POST", "datasets/{d0}/records", {}),
    (
        "POST",
        "datasets/{d0}/records",
        records({"inputs": {"z": 1}, "source": {"source_type": "ROBOT", "source_data": {}}}),
    ),
    ("DELETE", "datasets/{d0}", None),
    ("GET", "datasets/{d0}", None),
    ("GET", "datasets/{d0}/records", None),
    ("GET", "datasets/{d0}/experiment-ids", None),
    search(order_by=["name"]),
)


class Names:
    """The names that this module gives to a server's ids."""

    def __init__(self):
        self.known: dict = {"none": "d-" + "0" * 32}

    def answer(self, request, body):
        """Return a request and its answer in a form that is the same on each server."""
        self._learn(body)
        return {"asked": list(request), "answer": self._plain(body)}

    def _learn(self, body):
        """Give names to ids that are new."""
        if "experiment_id" in body:
            self._name("e", body["experiment_id"])
        if "next_page_token" in body:
            self.known["token"] = body["next_page_token"]
        found = sorted(json.loads(body["records"]), key=order) if "records" in body else ()
        for record in found:
            self._name("dr", record["dataset_record_id"])
        if found:
            self.known["last"] = found[-1]["dataset_record_id"]
            self.known["before"] = found[0]["dataset_record_id"]
        if "dataset" in body:
            self._name("d", body["dataset"]["dataset_id"])

    def _name(self, kind, found):
        if found not in self.known.values():
            count = sum(re.fullmatch(rf"{kind}\d+", name) is not None for name in self.known)
            self.known[f"{kind}{count}"] = found

    def fill(self, value):
        """Return a request with the server's ids."""
        text = json.dumps(value)
        for name, found in self.known.items():
            text = text.replace(f"{{{name}}}", found)
        return json.loads(text)

    def _plain(self, body):
        """Return an answer without what differs between servers."""
        if "error_code" in body:
            return {"error_code": body["error_code"]}
        body = dict(body)
        if "next_page_token" in body:
            body["next_page_token"] = "…"
        if "records" in body:
            found = [plain_record(each) for each in json.loads(body["records"])]
            body["records"] = sorted(found, key=order)
        if "dataset" in body:
            body["dataset"] = plain_dataset(body["dataset"])
        if "datasets" in body:
            body["datasets"] = [plain_dataset(each)["name"] for each in body["datasets"]]
        text = json.dumps({name: value for name, value in body.items() if value != []})
        for name, found in self.known.items():
            if IDS.fullmatch(found):
                text = text.replace(found, f"{{{name}}}")
        return json.loads(text)


def plain_record(record):
    """Return a record without its id and times."""
    left_out = ("dataset_record_id", "created_time", "last_update_time")
    return {name: value for name, value in record.items() if name not in left_out}


def plain_dataset(dataset):
    """Return a dataset without its times; whether its digest is that of its name and last update is kept."""
    dataset = dict(dataset)
    times = dataset.pop("created_time"), dataset.pop("last_update_time")
    digest = hashlib.sha256(f"{dataset['name']}:{times[1]}".encode()).hexdigest()[:8]
    dataset["digest"] = dataset["digest"] == digest
    dataset["tags"] = json.loads(dataset["tags"])
    return {**dataset, "was_updated": times[0] < times[1]}


def order(record):
    """Return what records are sorted by: those of the same millisecond have no order in MLflow."""
    return json.dumps(record["inputs"], sort_keys=True)
