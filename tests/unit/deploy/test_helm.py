"""deploy/helm/warren: what Kubernetes and the operators would accept, and who may do what."""

import copy
import json
import re
from pathlib import Path
from typing import get_args

import jsonschema
import kubernetes_validate
import pytest
import yaml

from deploy.provision.settings import POSTGRES_SERVICES as WITH_SCHEMA
from shared.contracts.message import Kind
from shared.messaging.topology import queue_name
from shared.runtime.version import VERSION
from tests.unit.deploy.chart import (
    CHART,
    EXAMPLES,
    changed,
    environment,
    example,
    helm,
    render,
    secrets,
)
from tools.configuration_page import PROCESSES

SCHEMAS = {
    path.stem: json.loads(path.read_text()) for path in Path(__file__).parent.glob("schemas/*")
}
SERVICES = {"gateway", "tracking", "registry", "access", "artifacts"}
SCALED_BY_QUEUE = SERVICES - {"gateway"}
S3 = {"gateway", "artifacts"}
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


@every_example
def test_each_service_has_its_own_database_role_alone(name):
    release = example(name)
    for component, pod in release.pods.items():
        dsns = {each for each in environment(pod) if each.endswith("_DSN")}
        own = {f"WARREN_{component.upper()}_DSN"} if component in WITH_SCHEMA else set()
        if component == "provision":
            own = {f"WARREN_{each.upper()}_DSN" for each in (*WITH_SCHEMA, "admin")}
        assert dsns == own
    holders = [dict(secrets(release.pods[each])) for each in WITH_SCHEMA]
    dsn_secrets = [name for each in holders for name, key in each.items() if key == "dsn"]
    assert len(set(dsn_secrets)) == len(WITH_SCHEMA)


@every_example
def test_only_the_artifacts_service_has_the_storage_keys(name):
    holders = {
        component
        for component, pod in example(name).pods.items()
        if any(key in {"access-key", "secret-key"} for _, key in secrets(pod))
    }
    assert holders == {"artifacts"}


def test_made_passwords_are_random_and_not_shared():
    texts = [
        text
        for values in (EXAMPLES["operators"], EXAMPLES["operators"])
        for secret in render(values).of("Secret").values()
        for text in secret["stringData"].values()
    ]
    passwords = [
        re.fullmatch(r"(?:postgresql://\w+:|glpat-)(\w{32})(?:@.*)?", text)[1] for text in texts
    ]
    assert len(passwords) == len(set(passwords)) == 2 * (len(WITH_SCHEMA) + 1)


@every_example
def test_only_the_access_service_has_the_administrator_s_token(name):
    pods = example(name).pods
    assert {each for each in pods if "WARREN_ROOT_TOKEN" in environment(pods[each])} == {"access"}


def test_named_secrets_are_not_made():
    release = render(changed("operators", "postgres.secrets", {"tracking": "mine"}))
    assert release.of("Secret").keys() == {*WITH_SCHEMA, "root-token"} - {"tracking"}
    assert ("mine", "dsn") in set(secrets(release.pods["tracking"]))
    assert ("mine", "dsn") in set(secrets(release.pods["provision"]))


@pytest.mark.parametrize(
    ("name", "rabbitmq", "postgres", "s3"),
    [("operators", 5672, 5432, 443), ("external", 5671, 5432, 9000)],
)
def test_network_policies_let_each_service_reach_its_own_servers(name, rabbitmq, postgres, s3):
    policies = example(name).of("NetworkPolicy")
    assert policies.keys() == example(name).pods.keys()
    for component, policy in policies.items():
        spec = policy["spec"]
        assert spec["policyTypes"] == ["Ingress", "Egress"]
        assert (
            spec["podSelector"]["matchLabels"]
            == example(name).pods[component]["metadata"]["labels"]
        )
        expected = {53}
        expected |= {rabbitmq} if component != "provision" else set()
        expected |= {postgres} if component in {*WITH_SCHEMA, "provision"} else set()
        expected |= {s3} if component in S3 else set()
        assert {port["port"] for rule in spec["egress"] for port in rule["ports"]} == expected
        entries = {port["port"] for rule in spec.get("ingress", []) for port in rule["ports"]}
        if component == "provision":
            assert entries == set()
        else:
            assert entries == ({"http", "monitor"} if component == "gateway" else {"monitor"})


def test_network_policies_name_the_operators_pods():
    tracking = example("operators").of("NetworkPolicy")["tracking"]["spec"]["egress"]
    peers = [rule["to"][0]["podSelector"]["matchLabels"] for rule in tracking if "to" in rule]
    [rabbitmq] = example("operators").of("RabbitmqCluster").values()
    [postgres] = example("operators").of("Cluster").values()
    assert peers == [
        {"app.kubernetes.io/name": rabbitmq["metadata"]["name"]},
        {"cnpg.io/cluster": postgres["metadata"]["name"]},
    ]


def test_network_policies_can_be_left_out():
    assert not render(changed("operators", "networkPolicy", {"enabled": False})).of("NetworkPolicy")


def test_services_scale_by_their_queues_and_the_gateway_by_its_cpu():
    release = example("operators")
    assert release.of("HorizontalPodAutoscaler").keys() == {"gateway"}
    assert release.of("ScaledObject").keys() == SCALED_BY_QUEUE
    for component, scaled in release.of("ScaledObject").items():
        deployment = release.of("Deployment")[component]
        assert scaled["spec"]["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
        triggers = [each["metadata"] for each in scaled["spec"]["triggers"]]
        assert [each["queueName"] for each in triggers] == [
            queue_name(component, kind) for kind in get_args(Kind)
        ]
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
            changed("external", "image.tag", "0.2.0"),
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
        ("external", "rabbitmq.external.secret", ""),
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
