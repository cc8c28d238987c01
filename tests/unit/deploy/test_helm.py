"""deploy/helm/warren: what Kubernetes and the operators would accept, and who may do what."""

import copy
import json
import re
from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest
import yaml

from shared.messaging.topology import SERVICE_QUEUES, queue_name
from shared.runtime.version import VERSION
from tests.unit.deploy.chart import (
    CHART,
    EXAMPLES,
    SERVICES,
    changed,
    environment,
    example,
    helm,
    render,
)
from tools.configuration_page import PROCESSES

SCHEMAS = {
    path.stem: json.loads(path.read_text()) for path in Path(__file__).parent.glob("schemas/*")
}
SCALED_BY_QUEUE = SERVICES - {"gateway"}
DRAIN_SECONDS = 20
"""WARREN_DRAIN_TIMEOUT's default."""

every_example = pytest.mark.parametrize("name", EXAMPLES)


@every_example
def test_helm_finds_nothing_to_warn_of(name):
    report = helm.lint(CHART, EXAMPLES[name], strict=True)
    warnings = [each for each in report["messages"] if each["severity"] > 1]
    assert (warnings, report["errors"]) == ([], [])


@every_example
@pytest.mark.parametrize("version", ["1.27", "1.37"])
def test_kubernetes_accepts_every_manifest(name, version):
    for manifest in example(name).manifests:
        if manifest["kind"] not in SCHEMAS:
            kubernetes_validate.validate(manifest, version, strict=True)


def test_operators_accept_their_resources():
    seen = set()
    for manifest in example("operators").manifests:
        if schema := SCHEMAS.get(manifest["kind"]):
            jsonschema.validate(manifest, schema)
            seen.add(manifest["kind"])
    assert seen == SCHEMAS.keys()


@pytest.mark.parametrize("kind", SCHEMAS)
def test_a_misspelt_field_of_an_operator_s_resource_is_found(kind):
    [manifest, *_] = example("operators").of(kind).values()
    misspelt = copy.deepcopy(manifest)
    misspelt["spec"]["replica"] = 3
    with pytest.raises(jsonschema.ValidationError, match="replica"):
        jsonschema.validate(misspelt, SCHEMAS[kind])


def test_external_servers_need_no_operator():
    assert not {each["kind"] for each in example("external").manifests} & SCHEMAS.keys()


def test_names_are_unique():
    names = [(each["kind"], each["metadata"]["name"]) for each in example("operators").manifests]
    assert len(names) == len(set(names))


@every_example
def test_each_service_is_a_deployment_that_survives_disruptions(name):
    release = example(name)
    assert release.of("Deployment").keys() == SERVICES
    assert release.of("PodDisruptionBudget").keys() == SERVICES
    for component, deployment in release.of("Deployment").items():
        budget = release.of("PodDisruptionBudget")[component]["spec"]
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        assert deployment["spec"]["selector"] == budget["selector"] == {"matchLabels": labels}
        assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


@every_example
def test_pods_are_restricted(name):
    """As the Pod Security Standard `restricted` demands, and more."""
    for pod in example(name).pods.values():
        spec = pod["spec"]
        [container] = spec["containers"]
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert spec["automountServiceAccountToken"] is False
        assert container["resources"]["limits"]["memory"]
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}
        assert re.search(r":\d", container["image"])


@every_example
def test_kubernetes_own_variables_are_kept_away_from_settings(name):
    assert all(pod["spec"]["enableServiceLinks"] is False for pod in example(name).pods.values())


@every_example
def test_services_are_probed_and_given_time_to_drain(name):
    for component, deployment in example(name).of("Deployment").items():
        spec = deployment["spec"]["template"]["spec"]
        [container] = spec["containers"]
        ports = {each["name"]: each["containerPort"] for each in container["ports"]}
        monitor = int(environment(deployment["spec"]["template"])["WARREN_MONITOR_PORT"]["value"])
        assert ports["monitor"] == monitor
        for probe, path in (("livenessProbe", "/health/live"), ("readinessProbe", "/health/ready")):
            assert container[probe]["httpGet"] == {"path": path, "port": "monitor"}, component
        pause = (
            int(container["lifecycle"]["preStop"]["exec"]["command"][1]) if "http" in ports else 0
        )
        assert spec["terminationGracePeriodSeconds"] > DRAIN_SECONDS + pause


@every_example
def test_variables_are_settings_of_the_process(name):
    for component, pod in example(name).pods.items():
        room = "deploy" if component == "provision" else "services"
        known = set(variables(PROCESSES[f"`{room}.{component}`"]))
        given = {each for each in environment(pod) if each.startswith("WARREN_")}
        assert given <= known, component


def variables(kind, prefix="WARREN_"):
    for name, field in kind.model_fields.items():
        if inner := getattr(field.annotation, "model_fields", None):
            yield from (f"{prefix}{name.upper()}_{each.upper()}" for each in inner)
        else:
            yield prefix + name.upper()


def test_an_image_may_be_pinned_by_its_digest():
    digest = f"sha256:{'0a' * 32}"
    pods = render(changed("external", "image.digest", digest)).pods
    images = {each["image"] for pod in pods.values() for each in pod["spec"]["containers"]}
    assert images == {f"registry.example.com/warren:{VERSION}@{digest}"}


def test_services_scale_by_their_queues_and_the_gateway_by_its_cpu():
    release = example("operators")
    assert release.of("HorizontalPodAutoscaler").keys() == {"gateway"}
    assert release.of("ScaledObject").keys() == SCALED_BY_QUEUE
    for component, scaled in release.of("ScaledObject").items():
        deployment = release.of("Deployment")[component]
        assert scaled["spec"]["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
        triggers = [each["metadata"] for each in scaled["spec"]["triggers"]]
        assert {each["queueName"] for each in triggers} == {
            queue_name(component, kind) for kind in SERVICE_QUEUES
        }
        assert all(
            each["hostFromEnv"] in environment(deployment["spec"]["template"]) for each in triggers
        )


def test_replicas_are_said_by_one_alone():
    scaled, fixed = (example(name).of("Deployment").values() for name in ("operators", "external"))
    assert not any("replicas" in each["spec"] for each in scaled)
    assert all(each["spec"]["replicas"] == 2 for each in fixed)


def test_another_image_or_database_is_another_job():
    names = {
        render(values).of("Job")["provision"]["metadata"]["name"]
        for values in (
            EXAMPLES["external"],
            EXAMPLES["external"],
            changed("external", "image.tag", "9.9.9"),
            changed("external", "postgres.external.adminSecret", "another"),
        )
    }
    assert len(names) == 3


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("operators", "image.repository", ""),
        ("operators", "image.repo", "x"),
        ("operators", "trackin", {}),
        ("operators", "gateway.accessMode", "closed"),
        ("operators", "gateway.replicas", 0),
        ("operators", "gateway.replicas", "two"),
        ("operators", "tracking.autoscaling.cpuPercent", 70),
        ("operators", "rabbitmq.operator.replicas", 2),
        ("operators", "s3.endpoint", "s3.example.com"),
        ("operators", "s3.secret", ""),
        ("operators", "ingress.host", ""),
        ("external", "rabbitmq.secrets.registry", ""),
        ("external", "rabbitmq.external.apiUrl", ""),
        ("external", "image.digest", "0a0a"),
        ("external", "postgres.secrets.registry", ""),
        ("external", "gateway.env.lower", "x"),
    ],
)
def test_wrong_values_are_refused(name, path, value):
    with pytest.raises(helm.HelmError) as refusal:
        render(changed(name, path, value))
    assert path.split(".")[-1] in str(refusal.value)


def test_an_environment_value_may_be_a_number():
    values = changed("external", "tracking.env", {"WARREN_TRACKING_POOL_SIZE": 16})
    variable = environment(render(values).pods["tracking"])["WARREN_TRACKING_POOL_SIZE"]
    assert variable["value"] == "16"


def test_notes_tell_the_tracking_uri():
    assert "MLFLOW_TRACKING_URI=https://warren.example.com" in example("operators").notes
    assert "port-forward service/warren 5000:5000" in example("external").notes


def test_the_chart_has_the_version_of_the_project():
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (VERSION, VERSION)
