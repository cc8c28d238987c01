"""The variables that the stack gives each of its processes."""

import pytest
import trustme

from deploy.local.stack.servers import Addresses
from deploy.local.stack.services import plan
from deploy.local.stack.settings import StackSettings
from deploy.services import POSTGRES_SERVICES, SERVICES, settings_of
from services.artifacts.settings import S3Settings
from shared.messaging.topology import PARTIES
from shared.runtime.settings import variables

DSNS = {name: f"postgresql://{name}@127.0.0.1:1/warren" for name in POSTGRES_SERVICES}
KEYS = {"access_key": "a", "secret_key": "s"}
AMQP = {party: f"amqp://{party}:secret@127.0.0.1:1/" for party in PARTIES}
ADDRESSES = Addresses("", AMQP, DSNS, S3Settings(endpoint="http://s3:1", **KEYS))
DECIDED = {"WARREN_MONITOR_HOST", "WARREN_MONITOR_PORT", "WARREN_REUSE_PORT"}
"""By the stack, for each process."""


def planned(s3, **settings):
    """Return the variables of each process, by its service."""
    addresses = Addresses("", AMQP, DSNS, s3)
    told = plan(StackSettings(_cli_parse_args=[], **settings), addresses)
    return {name: process.program.environment for name, process in told}


def test_every_process_sends_its_traces_where_the_stack_was_told():
    tracing = {"endpoint": "http://collector:4318/v1/traces", "ratio": 0.5}
    for told in planned(ADDRESSES.s3, tracing=tracing).values():
        assert told["WARREN_TRACING_ENDPOINT"] == tracing["endpoint"]
        assert told["WARREN_TRACING_RATIO"] == "0.5"


def test_authority_of_the_storage_is_known_to_those_who_speak_to_it(tmp_path):
    file = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(file)
    told = planned(S3Settings(endpoint="https://s3:1", ca_file=file, **KEYS))
    assert told["artifacts"]["WARREN_S3_CA_FILE"] == str(file)
    assert told["gateway"]["WARREN_STORAGE_CA_FILE"] == str(file)


@pytest.mark.parametrize("service", SERVICES)
def test_every_variable_of_a_service_reaches_it(monkeypatch, service):
    """What the stack itself has a setting for is as that says; all else is as it was given."""
    settings = StackSettings(_cli_parse_args=[])
    names = set(variables(settings_of(service)))
    for name in names:
        monkeypatch.setenv(name, "given")
    told = dict(plan(settings, ADDRESSES))[service].program.environment
    assert names <= told.keys()
    others = names - DECIDED - set(variables(StackSettings))
    assert others
    assert {name: told[name] for name in others} == dict.fromkeys(others, "given")


def test_a_variable_of_one_service_reaches_no_other(monkeypatch):
    monkeypatch.setenv("WARREN_ROOT_TOKEN", "secret-secret-secret")
    told = planned(ADDRESSES.s3)
    assert {name for name, each in told.items() if "WARREN_ROOT_TOKEN" in each} == {"access"}


def test_storage_without_an_authority_of_its_own_has_none():
    told = planned(S3Settings(endpoint="http://s3:1", **KEYS))
    assert "WARREN_S3_CA_FILE" not in told["artifacts"]
    assert "WARREN_STORAGE_CA_FILE" not in told["gateway"]


def test_each_process_has_a_listener_of_its_own():
    told = planned(S3Settings(endpoint="http://s3:1", **KEYS))
    assert len({each["WARREN_MONITOR_PORT"] for each in told.values()}) == len(told) == 6


def test_each_process_logs_in_at_the_broker_as_itself():
    told = planned(ADDRESSES.s3)
    assert {name: each["WARREN_AMQP_URL"] for name, each in told.items()} == {
        name: AMQP[name] for name in SERVICES
    }
