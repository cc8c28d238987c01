"""Issues are those of MLflow's newest server: the same requests have the same answers."""

import pytest

from tests.compat.assessment_requests import create, start
from tests.compat.mlflow_server import (
    Request,
    answers_of_mlflow,
    answers_of_warren,
    comparable,
)
from tests.integration.traces.conftest import FakeTracking, Traces
from tests.service_pools import Pool


def issue(name, save="", experiment="1", **fields):
    saved = {save: ("issue", "issue_id")} if save else {}
    body = {"name": name, "description": "d", "experiment_id": experiment, **fields}
    return Request("POST", "issues", body, saved)


def change(saved, **fields):
    return Request("PATCH", f"issues/${saved}", {"issue_id": f"${saved}", **fields})


def get(saved):
    return Request("GET", f"issues/${saved}")


def search(**fields):
    return Request("POST", "issues/search", fields)


FULL = {
    "status": "rejected",
    "root_causes": ["a", "b\n🐇"],
    "categories": ["slow"],
    "created_by": "ada",
}
REQUESTS = [
    issue("plain", "plain"),
    issue("full", "full", **FULL, severity="high"),
    issue("low", "low", severity="low"),
    issue("medium", "medium", severity="medium", status="resolved"),
    issue("none", severity="not_an_issue"),
    issue("other", experiment="2"),
    get("full"),
    change("full", name="new", description="e", status="resolved", severity="medium"),
    change("full", name="", description=""),
    change("full"),
    get("full"),
    change("full", severity="high"),
    # Mistakes.
    issue(""),
    issue("x", description=""),
    issue("x", experiment=""),
    issue("x", experiment="99"),
    issue("x", experiment="x"),
    Request("GET", "issues/iss-0"),
    Request("PATCH", "issues/iss-0", {"issue_id": "iss-0", "name": "x"}),
    # Traces that refer to issues, some of them twice.
    *(start(f"tr-{number}") for number in range(3)),
    *(create("$low", trace=f"tr-{n}", issue={"issue_name": "low"}) for n in (0, 1, 1)),
    *(create("$plain", trace=f"tr-{n}", issue={"issue_name": "plain"}) for n in (0, 1, 2)),
    create("$low", trace="tr-2", feedback={"value": 1}),
    search(experiment_id="1"),
    search(experiment_id="2"),
    search(experiment_id="99"),
    search(experiment_id="x"),
    search(experiment_id="1", include_trace_count=True),
    search(filter_string="status = 'rejected'"),
    search(filter_string="status = 'resolved' AND source_run_id = 'r'"),
    search(experiment_id="1", filter_string="status = 'resolved'"),
    search(experiment_id="1", filter_string="status != 'pending'"),
    search(experiment_id="1", filter_string='status = "resolved"'),
    search(experiment_id="1", filter_string="status = resolved"),
    search(experiment_id="1", filter_string="source_run_id != 'r'"),
    search(filter_string="status LIKE 'a'"),
    search(filter_string="status IN ('a')"),
    search(filter_string="status IS NULL"),
    search(filter_string="name = 'a'"),
    search(filter_string="attributes.status = 'a'"),
    search(filter_string="status = 'a' OR status = 'b'"),
    search(filter_string="status"),
    search(max_results=0),
    search(max_results=50_001),
]


@pytest.fixture(scope="module")
def mlflows():
    return answers_of_mlflow(REQUESTS)


def shown(answer):
    """Return an answer without times, of which a server may give two issues the same."""
    if not isinstance(answer, dict):
        return answer
    issues = answer.get("issues", [answer["issue"]] if "issue" in answer else [])
    return [{k: v for k, v in each.items() if not k.endswith("timestamp")} for each in issues]


async def test_every_answer_is_mlflows(mlflows, traces_pool: Pool):
    found = await answers_of_warren(Traces(traces_pool, FakeTracking()), REQUESTS)
    different = [
        (request, comparable(shown(answer)), comparable(shown(expected)))
        for request, expected, answer in zip(REQUESTS, mlflows, found, strict=True)
        if comparable(shown(answer)) != comparable(shown(expected))
    ]
    assert different == []
