"""The addresses of the web UI's pages, and a text that each shows once it has its data."""

import json
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote

from tests.browser.filling import EVALUATION_DATASET, MODEL, PROMPT, Filled
from tests.browser.reviewed import QUEUE
from tests.browser.traced import ANSWERS, EVALUATION, QUESTIONS, SCORER, SESSION, SPANS
from tests.browser.traced import EXPERIMENT as CONVERSATIONS


class Page(NamedTuple):
    """A page's name, its fragment for what was logged, and texts that it shows."""

    name: str
    fragment: Callable[[Filled], str]
    shows: tuple[str, ...]


def _listed(values: list[str]) -> str:
    return quote(json.dumps(values))


def _experiment(rest: str) -> Callable[[Filled], str]:
    return lambda filled: f"/experiments/{filled.experiment}{rest}"


def _genai(rest: str) -> Callable[[Filled], str]:
    """A page that the UI has only in its other mode, which is not the one of a first visit."""
    return _experiment(f"{rest}?workflowType=genai")


def _traced(rest: str) -> Callable[[Filled], str]:
    """A page of the experiment that has traces, in the mode that has all of their pages."""
    return lambda filled: f"/experiments/{filled.traced.experiment}{rest}?workflowType=genai"


def _trace(filled: Filled) -> str:
    return f"{_traced('/traces')(filled)}&selectedEvaluationId={filled.traced.traces[0]}"


def _evaluation(filled: Filled) -> str:
    traced = filled.traced
    return f"/experiments/{traced.experiment}/runs/{traced.evaluation}/traces"


def _evaluation_run(filled: Filled) -> str:
    return f"{_traced('/evaluation-runs')(filled)}&selectedRunUuid={filled.traced.evaluation}"


def _run(rest: str) -> Callable[[Filled], str]:
    return lambda filled: f"/experiments/{filled.experiment}/runs/{filled.first}{rest}"


def _model(rest: str) -> Callable[[Filled], str]:
    return lambda filled: f"/experiments/{filled.experiment}/models/{filled.model_id}{rest}"


def _dataset(filled: Filled) -> str:
    path = f"/experiments/{filled.experiment}/datasets/{filled.dataset_id}"
    return f"{path}?workflowType=genai"


def _fixed(fragment: str) -> Callable[[Filled], str]:
    return lambda _filled: fragment


def _compared_runs(filled: Filled) -> str:
    return (
        f"/compare-runs?runs={_listed(filled.runs[:3])}&experiments={_listed([filled.experiment])}"
    )


def _compared_versions(filled: Filled) -> str:
    versions = quote(json.dumps({"1": filled.runs[0], "2": filled.runs[1]}))
    return f"/compare-model-versions?name=%22{MODEL}%22&runs={versions}"


def _metric(filled: Filled) -> str:
    chosen = f"runs={_listed(filled.runs[:2])}&experiments={_listed([filled.experiment])}"
    axes = "x_axis=step&y_axis_scale=linear&line_smoothness=1&show_point=false&deselected_curves=[]"
    keys = f"metric=%22loss%22&plot_metric_keys={_listed(['loss'])}&plot_layout={{}}"
    return f"/metric?{chosen}&{keys}&{axes}&last_linear_y_axis_range=[]"


PAGES = (
    Page("home", _fixed("/"), ("sweep",)),
    Page("experiments", _fixed("/experiments"), ("sweep", "Default")),
    Page("experiment", _experiment(""), ("trial-11",)),
    Page("overview", _traced("/overview/usage"), (CONVERSATIONS,)),
    Page("overview-quality", _traced("/overview/quality"), (CONVERSATIONS,)),
    Page("overview-tools", _traced("/overview/tool-calls"), (CONVERSATIONS,)),
    Page("runs-table", _experiment("/runs"), ("trial-00", "trial-11", "search-parent")),
    Page("runs-charts", _experiment("/runs?compareRunsMode=CHART"), ("loss",)),
    Page("runs-artifacts", _experiment("/runs?compareRunsMode=ARTIFACT"), ("trial-11",)),
    Page(
        "runs-filter", _experiment("/runs?searchFilter=params.depth%20%3D%20%277%27"), ("trial-07",)
    ),
    Page("compare-runs", _compared_runs, ("trial-00", "trial-01", "trial-02")),
    Page(
        "compare-experiments",
        lambda filled: f"/compare-experiments/s?experiments={_listed([filled.experiment, '0'])}",
        ("trial-11",),
    ),
    Page("run", _run(""), ("trial-00", "depth", "accuracy", "customers", "forest")),
    Page("run-metrics", _run("/model-metrics"), ("loss", "gap")),
    Page("run-system-metrics", _run("/system-metrics"), ("cpu_utilization_percentage",)),
    Page("run-traces", _run("/traces"), ("trial-00",)),
    Page("run-artifacts", _run("/artifacts"), ("pics", "notes.txt")),
    Page("run-image", _run("/artifacts/pics/img.png"), ("img.png",)),
    Page("run-csv", _run("/artifacts/data/table.csv"), ("pear", "17")),
    Page("run-html", _run("/artifacts/page.html"), ("page.html",)),
    Page("run-json", _run("/artifacts/conf.json"), ("layers",)),
    Page("run-table", _run("/artifacts/eval_table.json"), ("Who digs?", "Rabbits.")),
    Page("run-evaluations", _run("/evaluations"), ("trial-00",)),
    Page("metric", _metric, ("loss",)),
    Page("models-of-experiment", _experiment("/models"), ("forest",)),
    Page("logged-model", _model(""), ("forest", "trees")),
    Page("logged-model-artifacts", _model("/artifacts"), ("MLmodel",)),
    Page("logged-model-traces", _model("/traces"), ("forest",)),
    Page("traces", _traced("/traces"), (*QUESTIONS, SESSION, SCORER)),
    Page("traces-of-none", _experiment("/traces"), ("sweep",)),
    Page("trace", _trace, (*SPANS, QUESTIONS[0], ANSWERS[0])),
    Page("sessions", _traced("/chat-sessions"), (CONVERSATIONS,)),
    Page("session", _traced(f"/chat-sessions/{SESSION}"), (SESSION, *QUESTIONS, *ANSWERS, "kind")),
    Page("datasets", _genai("/datasets"), (EVALUATION_DATASET, "ada")),
    Page("dataset", _dataset, (EVALUATION_DATASET, "Who digs?", "Rabbits.")),
    Page("evaluation-runs", _traced("/evaluation-runs"), (EVALUATION, SCORER)),
    Page("evaluation-run", _evaluation_run, (EVALUATION,)),
    Page("traces-of-evaluation", _evaluation, (EVALUATION, SCORER, QUESTIONS[0])),
    Page("judges", _genai("/judges"), ("sweep",)),
    Page("prompts-of-experiment", _genai("/prompts"), ("sweep",)),
    Page("review-queue", _traced("/review-queue"), (QUEUE,)),
    Page("playground", _genai("/playground"), ("sweep",)),
    Page("models", _fixed("/models"), (MODEL,)),
    Page("model", _fixed(f"/models/{MODEL}"), ("champion", "Who leaves.")),
    Page("model-version", _fixed(f"/models/{MODEL}/versions/2"), ("champion",)),
    Page("compare-versions", _compared_versions, ("depth",)),
    Page("prompts", _fixed("/prompts"), (PROMPT,)),
    Page("prompt", _fixed(f"/prompts/{PROMPT}"), ("Good morning",)),
    Page("mcp-registry", _fixed("/mcp-registry"), ()),
    Page("settings", _fixed("/settings"), ("Settings",)),
    Page("webhooks", _fixed("/settings/webhooks"), ("Webhooks",)),
    Page("llm-connections", _fixed("/settings/llm-connections"), ()),
)
