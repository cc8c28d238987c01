"""Dashboard, alerts and the page of metrics say nothing of metrics that do not exist."""

import json
from pathlib import Path

import pytest
import yaml

from shared.runtime.metrics import CATALOGUE
from tests.unit.deploy.promql import names
from tools import metrics_page as metrics

DEPLOY = Path(__file__).parents[3] / "deploy"
DASHBOARD = json.loads((DEPLOY / "grafana/dashboards/warren.json").read_text())
RULES = yaml.safe_load((DEPLOY / "prometheus/rules.yml").read_text())

OF_PROMETHEUS = {"job", "instance", "service_name", "le"}
OF_OTHERS = {"up", "process_cpu_seconds_total", "process_resident_memory_bytes"}
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}
LABELS = {
    each.name + suffix: {*each.labels} for each in CATALOGUE for suffix in SUFFIXES[each.kind]
} | {name: set() for name in OF_OTHERS}


def expressions():
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", []):
            yield target["expr"]
    for group in RULES["groups"]:
        for rule in group["rules"]:
            yield rule["expr"]


@pytest.mark.parametrize("expression", list(expressions()))
def test_expression_names_metrics_and_labels_that_exist(expression):
    metrics_, grouped = names(expression)
    assert metrics_
    known = set(OF_PROMETHEUS)
    for name, labels in metrics_.items():
        assert name in LABELS
        assert labels <= LABELS[name] | OF_PROMETHEUS
        known |= LABELS[name]
    assert grouped <= known


def test_every_metric_is_on_the_dashboard():
    shown = {name for expression in expressions() for name in names(expression)[0]}
    for each in CATALOGUE:
        assert {each.name + suffix for suffix in SUFFIXES[each.kind]} & shown, each.name


def test_panels_have_ids_and_places_of_their_own():
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    places = [(p["gridPos"]["x"], p["gridPos"]["y"]) for p in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    assert len(set(places)) == len(places)


def test_legends_use_labels_that_are_left():
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", []):
            _, grouped = names(target["expr"])
            used = {part.split("}}")[0] for part in target["legendFormat"].split("{{")[1:]}
            assert used <= grouped | OF_PROMETHEUS


def test_names_follow_prometheus_conventions():
    for each in CATALOGUE:
        assert each.name.startswith("warren_")
        assert each.name.endswith("_total") == (each.kind == "counter")


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ('rate(a_total{x="1",y!~"{}"}[5m])', {"a_total": {"x", "y"}}),
        ("sum by (le) (rate(b_bucket[5m])) / c", {"b_bucket": set(), "c": set()}),
    ],
)
def test_names_are_found(expression, found):
    assert names(expression)[0] == found


def test_page_of_the_metrics_is_the_one_that_they_make():
    assert metrics.PAGE.read_text() == metrics.page()
