"""deploy/helm/warren: who holds which password."""

import json
import re

import pytest

from deploy.services import POSTGRES_SERVICES as WITH_SCHEMA
from shared.messaging.topology import PARTIES
from tests.unit.deploy.chart import (
    EXAMPLES,
    SERVICES,
    changed,
    environment,
    example,
    render,
    secrets,
)

every_example = pytest.mark.parametrize("name", EXAMPLES)


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
        replicated = wanted and component in {"tracking", "registry"}
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
