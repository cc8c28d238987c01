"""deploy/helm/warren: who may reach whom over the network."""

import pytest

from deploy.services import POSTGRES_SERVICES as WITH_SCHEMA
from tests.unit.deploy.chart import (
    SERVICES,
    changed,
    example,
    render,
)

S3 = {"gateway", "artifacts"}
SERVERS = {"rabbitmq", "postgres"}


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
