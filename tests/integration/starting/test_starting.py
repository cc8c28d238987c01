"""A process that can't start leaves with a code and a sentence: what, why, what to do. No server is started here."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import trustme

from deploy.local.embedded.lock import DirectoryLock

ROOT = Path(__file__).parents[3]
S3 = {
    "WARREN_S3_ENDPOINT": "http://127.0.0.1:1",
    "WARREN_S3_ACCESS_KEY": "key",
    "WARREN_S3_SECRET_KEY": "secret",
}
NO_POSTGRES = "postgresql://user:password@127.0.0.1:1/db"
PYTHON = os.environ.get("WARREN_TEST_PYTHON", sys.executable)
"""Another release of Python has other exceptions and groups of them."""


def started(module, **variables):
    """Start a module that is not going to run; return its code and the lines on its stderr."""
    environment = {key: value for key, value in os.environ.items() if "WARREN" not in key}
    ended = subprocess.run(
        (PYTHON, "-m", *module.split()),
        cwd=ROOT,
        env=environment | variables,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ended.stdout == ""
    return ended.returncode, ended.stderr.splitlines()


@pytest.fixture
def taken_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield str(taken.getsockname()[1])


@pytest.mark.parametrize("module", ["deploy.local.standalone", "deploy.local.stack"])
def test_a_taken_port_is_named_with_its_setting_before_anything_is_made(
    module, taken_port, tmp_path
):
    said = f"Warren can't start: 127.0.0.1:{taken_port} is in use by another program; WARREN_PORT names another port"
    assert started(module, WARREN_PORT=taken_port, WARREN_DATA=str(tmp_path)) == (1, [said])
    assert list(tmp_path.iterdir()) == []


def test_a_taken_port_of_the_monitor_and_a_foreign_address_are_named_with_their_settings(
    taken_port,
):
    code, [line] = started("services.artifacts", WARREN_MONITOR_PORT=taken_port, **S3)
    assert (code, "WARREN_MONITOR_PORT names another port" in line) == (1, True)
    code, [line] = started("services.gateway", WARREN_HOST="192.0.2.1", WARREN_PORT="0")
    assert code == 1
    assert line.endswith("192.0.2.1:0 is no address of this machine; WARREN_HOST names another")


@pytest.mark.parametrize(
    ("module", "locked"), [("deploy.local.standalone", "postgres"), ("deploy.local.stack", ".")]
)
def test_a_directory_in_use_is_named(module, locked, tmp_path):
    DirectoryLock(tmp_path / locked).take()
    code, [line] = started(module, WARREN_PORT="5999", WARREN_DATA=str(tmp_path), **S3)
    assert code == 1
    assert line == (
        f"Warren can't start: {tmp_path / locked} is in use by another Warren: stop that one, or "
        "name another directory with WARREN_DATA"
    )


@pytest.mark.parametrize("module", ["deploy.local.standalone", "deploy.local.stack"])
def test_a_directory_that_cannot_be_written_is_named(module, tmp_path):
    data = tmp_path / "file"
    data.touch()
    code, lines = started(module, WARREN_PORT="5999", WARREN_DATA=str(data))
    assert code == 1
    for line in lines:
        assert line.startswith(f"Warren can't start: {data}")
        assert "can't be written (" in line
        assert line.endswith("); name another directory with WARREN_DATA")


def test_initdb_that_fails_gives_its_reason(open_directory):
    program = open_directory / "bin" / "initdb"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\necho 'could not write: No space left on device'\necho removing\nexit 1\n"
    )
    program.chmod(0o755)
    data = open_directory / "data"
    variables = {"WARREN_POSTGRES_BIN": str(program.parent), "WARREN_DATA": str(data), **S3}
    code, [line] = started("deploy.local.standalone", WARREN_PORT="0", **variables)
    assert code == 1
    assert line == (
        "Warren can't start: initdb ended with code 1: could not write: No space left on device "
        f"(see {data}/postgres/postgres.log)"
    )


@pytest.mark.parametrize("service", ["tracking", "access"])
def test_a_service_without_its_database_says_which_setting_has_the_address(service):
    variable = f"WARREN_{service.upper()}_DSN"
    code, [line] = started(f"services.{service}", **{variable: NO_POSTGRES})
    assert code == 1
    assert line.startswith(f"{service} can't start: PostgreSQL can't be used (")
    assert line.endswith(f"); {variable} is its address")
    assert "password" not in line


def test_provisioning_says_what_it_waited_for():
    limit = {"WARREN_PROVISION_TIMEOUT": "0.1", "WARREN_LOG_LEVEL": "error"}
    code, [line] = started("deploy.provision", WARREN_TRACKING_DSN=NO_POSTGRES, **limit)
    assert code == 1
    assert line.startswith("provision can't start: PostgreSQL did not answer within 0 s")
    assert "WARREN_ADMIN_DSN" in line


@pytest.mark.parametrize("module", ["deploy.local.standalone", "deploy.local.stack"])
def test_a_missing_certificate_is_named_with_its_setting(module, tmp_path):
    missing = tmp_path / "missing.pem"
    code, [line] = started(
        module,
        WARREN_HTTP_TLS_CERT_FILE=str(missing),
        WARREN_PORT="5999",
        WARREN_DATA=str(tmp_path),
    )
    assert code == 2
    assert line.endswith(
        f"WARREN_HTTP_TLS_CERT_FILE: {missing} can't be read (No such file or directory)"
    )


def test_a_key_of_another_certificate_is_named_with_its_setting(tmp_path):
    authority = trustme.CA()
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    authority.issue_cert("a.example").cert_chain_pems[0].write_to_path(certificate)
    authority.issue_cert("a.example").private_key_pem.write_to_path(key)
    files = {"WARREN_HTTP_TLS_CERT_FILE": str(certificate), "WARREN_HTTP_TLS_KEY_FILE": str(key)}
    code, [line] = started("services.gateway", WARREN_PORT="0", **files)
    assert code == 1
    assert f"WARREN_HTTP_TLS_CERT_FILE ({certificate}) and its key can't be used" in line


@pytest.mark.parametrize(
    ("module", "variables", "said"),
    [
        ("deploy.local.standalone", {"WARREN_PORT": "many"}, "WARREN_PORT: "),
        ("deploy.local.stack", {"WARREN_GATEWAY": "0"}, "WARREN_GATEWAY: "),
        ("services.tracking", {}, "WARREN_TRACKING_DSN: Field required"),
        ("services.gateway", {"WARREN_MONITOR": "x"}, 'Error parsing value for field "monitor"'),
        (
            "services.gateway",
            {"WARREN_STORAGE_CA_FILE": "/dev/null"},
            "WARREN_STORAGE_CA_FILE: /dev/null",
        ),
        (
            "deploy.provision",
            {"WARREN_TRACKING_DSN": "x"},
            "WARREN_TRACKING_DSN: Expected an address",
        ),
        ("cli user list", {"WARREN_LOG_LEVEL": "loud"}, "WARREN_LOG_LEVEL: "),
    ],
)
def test_a_wrong_setting_is_code_2_and_a_line(module, variables, said):
    code, [line] = started(module, **variables)
    assert code == 2
    assert line.startswith(said)


def test_process_that_cannot_start_says_why_without_its_secrets():
    secret = "hunter2-secret"
    dsn = f"postgresql://warren:{secret}@127.0.0.1:1/warren"
    variables = {
        "WARREN_AMQP_URL": f"amqp://warren:{secret}@127.0.0.1:1/",
        "WARREN_TRACKING_DSN": dsn,
        "WARREN_ADMIN_DSN": dsn,
        "WARREN_ROOT_TOKEN": f"{secret}-0123456789",
        "WARREN_S3_SECRET_KEY": secret,
    }
    code, lines = started("services.tracking", **variables)
    assert code != 0
    said = "\n".join(lines)
    assert "WARREN_TRACKING_DSN" in said
    assert secret not in said
