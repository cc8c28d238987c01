"""deploy/helm/warren: what Kubernetes and the operators would accept, and who may do what."""

import copy
import json
import re
from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest
import yaml

from deploy.provision.settings import POSTGRES_SERVICES as WITH_SCHEMA
from shared.messaging.topology import PARTIES, SERVICE_QUEUES, queue_name
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
SERVERS = {"rabbitmq", "postgres"}
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
    holders = [secrets(release.pods[each]) for each in WITH_SCHEMA]
    dsn_secrets = [name for each in holders for name, key in each if key == "dsn"]
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
        re.fullmatch(r"(?:(?:postgresql|amqp)://[\w-]+:|glpat-)(\w{32})(?:@.*)?", text)[1]
        for text in texts
    ]
    assert len(passwords) == len(set(passwords)) == 2 * (len(WITH_SCHEMA) + len(PARTIES) + 1)


@every_example
def test_only_the_access_service_has_the_administrator_s_token(name):
    pods = example(name).pods
    assert {each for each in pods if "WARREN_ROOT_TOKEN" in environment(pods[each])} == {"access"}


def test_named_secrets_are_not_made():
    release = render(changed("operators", "postgres.secrets", {"tracking": "mine"}))
    accounts = {f"{party}-rabbitmq" for party in PARTIES}
    assert release.of("Secret").keys() == {*WITH_SCHEMA, *accounts, "root-token"} - {"tracking"}
    assert ("mine", "dsn") in set(secrets(release.pods["tracking"]))
    assert ("mine", "dsn") in set(secrets(release.pods["provision"]))


@pytest.mark.parametrize("wanted", [True, False])
def test_queries_run_on_the_operator_s_standbys_where_that_is_wanted(wanted):
    release = render(changed("operators", "postgres.operator.readReplicas", wanted))
    for component in WITH_SCHEMA:
        replicated = wanted and component != "access"
        made = release.of("Secret")[component]["stringData"]
        given = environment(release.pods[component])
        assert ("replicas" in made) is replicated
        assert (f"WARREN_{component.upper()}_REPLICAS" in given) is replicated
        if replicated:
            assert made["replicas"] == made["dsn"].replace("-postgres-rw.", "-postgres-ro.")
            assert "-postgres-ro." in made["replicas"]


def test_a_named_secret_may_have_addresses_of_read_replicas():
    keys = [key for _, key in secrets(example("external").pods["tracking"])]
    assert keys.count("replicas") == 1


@every_example
def test_each_service_has_its_own_account_at_the_broker_alone(name):
    release = example(name)
    given = {
        component: [(secret, key) for secret, key in secrets(pod) if key == "url"]
        for component, pod in release.pods.items()
    }
    provisioned = given.pop("provision")
    assert all(len(each) == 1 for each in given.values())
    assert len({secret for [(secret, _)] in given.values()}) == len(SERVICES)
    assert {each for [each] in given.values()} < set(provisioned)


@every_example
def test_provisioning_is_given_the_account_of_each_part(name):
    given = environment(example(name).pods["provision"])
    urls = json.loads(given["WARREN_AMQP_URLS"]["value"])
    assert urls.keys() == set(PARTIES)
    for party, url in urls.items():
        secret = given[url.removeprefix("$(").removesuffix(")")]["valueFrom"]["secretKeyRef"]
        assert party in secret["name"]
    # Kubernetes knows of variables alone that come earlier.
    names = list(given)
    assert names.index("WARREN_AMQP_URLS") > names.index("RABBITMQ_URL_CLI")


def test_one_account_of_an_external_broker_does_for_all():
    external = {"secret": "shared", "port": 5672, "peers": []}
    values = changed("external", "rabbitmq", {"mode": "external", "external": external})
    pods = render(values).pods
    assert {("shared", "url")} == {
        each for pod in pods.values() for each in secrets(pod) if each[1] == "url"
    }
    assert "WARREN_AMQP_URLS" not in environment(pods["provision"])


@pytest.mark.parametrize(
    ("name", "rabbitmq", "postgres", "s3", "api"),
    [("operators", 5672, 5432, 443, 15672), ("external", 5671, 5432, 9000, 15671)],
)
def test_network_policies_let_each_service_reach_its_own_servers(name, rabbitmq, postgres, s3, api):
    policies = example(name).of("NetworkPolicy")
    assert policies.keys() - SERVERS == example(name).pods.keys()
    for component in example(name).pods:
        policy = policies[component]
        spec = policy["spec"]
        assert spec["policyTypes"] == ["Ingress", "Egress"]
        assert (
            spec["podSelector"]["matchLabels"]
            == example(name).pods[component]["metadata"]["labels"]
        )
        expected = {53}
        expected |= {rabbitmq} | ({api} if component == "provision" else set())
        expected |= {postgres} if component in {*WITH_SCHEMA, "provision"} else set()
        expected |= {s3} if component in S3 else set()
        assert {port["port"] for rule in spec["egress"] for port in rule["ports"]} == expected
        entries = {port["port"] for rule in spec.get("ingress", []) for port in rule["ports"]}
        if component == "provision":
            assert entries == set()
        else:
            assert entries == ({"http", "monitor"} if component == "gateway" else {"monitor"})


def admitted(policy, port):
    """Return the components of ours, and other peers, that a server's policy lets in at a port."""
    peers = [
        peer
        for rule in policy["spec"]["ingress"]
        if port in {each["port"] for each in rule["ports"]}
        for peer in rule["from"]
    ]
    labels = [peer.get("podSelector", {}).get("matchLabels", {}) for peer in peers]
    ours = {each["app.kubernetes.io/component"] for each in labels if len(each) == 3}
    return ours, [peer for peer, each in zip(peers, labels, strict=True) if len(each) != 3]


def test_the_operators_servers_let_in_those_alone_who_need_them():
    release = example("operators")
    policies = release.of("NetworkPolicy")
    [rabbitmq] = release.of("RabbitmqCluster").values()
    nodes = {"app.kubernetes.io/name": rabbitmq["metadata"]["name"]}
    policy = policies["rabbitmq"]
    assert policy["spec"]["podSelector"]["matchLabels"] == nodes
    assert policy["spec"]["policyTypes"] == ["Ingress"]
    keda = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "keda"}}}
    assert admitted(policy, 5672) == (SERVICES | {"provision"}, [keda])
    assert admitted(policy, 15672) == ({"provision"}, [])
    assert admitted(policy, 25672) == (set(), [{"podSelector": {"matchLabels": nodes}}])
    [postgres] = release.of("Cluster").values()
    nodes = {"cnpg.io/cluster": postgres["metadata"]["name"]}
    policy = policies["postgres"]
    assert policy["spec"]["podSelector"]["matchLabels"] == nodes
    operator = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "cnpg-system"}}
    }
    others = [{"podSelector": {"matchLabels": nodes}}, operator]
    assert admitted(policy, 5432) == ({*WITH_SCHEMA, "provision"}, others)
    assert admitted(policy, 8000) == (set(), others)


def test_servers_outside_have_no_policy_of_ours():
    assert not example("external").of("NetworkPolicy").keys() & SERVERS


def test_an_image_may_be_pinned_by_its_digest():
    digest = f"sha256:{'0a' * 32}"
    pods = render(changed("external", "image.digest", digest)).pods
    images = {each["image"] for pod in pods.values() for each in pod["spec"]["containers"]}
    assert images == {f"registry.example.com/warren:{VERSION}@{digest}"}


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
