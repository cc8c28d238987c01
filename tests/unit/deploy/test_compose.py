"""docker-compose.yml keeps what it promises. Compose itself is asked where it is installed."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from shared.messaging.topology import PARTIES

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE = yaml.safe_load(TEXT)
SERVICES = COMPOSE["services"]
OURS = {name: each for name, each in SERVICES.items() if "build" in each}
EXAMPLE = ROOT / ".env.example"
DRAIN_SECONDS = 20
"""WARREN_DRAIN_TIMEOUT's default."""


def variables(path: Path) -> dict[str, str]:
    lines = path.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def networks_of(name: str) -> set[str]:
    return set(SERVICES[name]["networks"])


@pytest.mark.parametrize("name", SERVICES)
def test_container_is_restricted_and_limited(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert {"cpus", "memory", "pids"} <= service["deploy"]["resources"]["limits"].keys()
    assert "max-size" in service["logging"]["options"]


@pytest.mark.parametrize("name", SERVICES)
def test_service_has_a_health_check_or_runs_once(name):
    service = SERVICES[name]
    if service["healthcheck"].get("disable"):
        assert service["restart"] == "no"
    else:
        assert service["healthcheck"]["test"][0] == "CMD"
        assert service["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", SERVICES)
def test_image_is_pinned(name):
    image = re.sub(r"\$\{\w+:-(.*)\}", r"\1", SERVICES[name]["image"])
    tag = image.rpartition(":")[2]
    assert re.search(r"\d|^dev$", tag), image


@pytest.mark.parametrize("name", OURS)
def test_our_processes_have_no_capability_and_time_to_drain(name):
    assert OURS[name]["cap_drop"] == ["ALL"]
    assert int(OURS[name]["stop_grace_period"].removesuffix("s")) > DRAIN_SECONDS
    assert OURS[name]["init"] is True


def test_only_the_load_balancer_is_published():
    published = {name for name, each in SERVICES.items() if "ports" in each}
    assert published == {"lb", "grafana"}
    assert SERVICES["grafana"]["profiles"] == ["observability"]
    assert all("WARREN_BIND:-127.0.0.1" in port for n in published for port in SERVICES[n]["ports"])


def test_networks_separate_storage_and_database():
    members = {net: {n for n in SERVICES if net in networks_of(n)} for net in COMPOSE["networks"]}
    assert members["storage"] == {"s3", "artifacts", "gateway", "provision"}
    with_schema = {n for n in OURS if any(k.endswith("_DSN") for k in OURS[n]["environment"])}
    assert members["database"] == {"postgres"} | with_schema
    assert members["bus"] == {"rabbitmq", "prometheus", *OURS}
    assert networks_of("lb") == {"edge", "front"}
    inside = {
        net for net, options in COMPOSE["networks"].items() if (options or {}).get("internal")
    }
    assert inside == set(COMPOSE["networks"]) - {"edge"}


def test_each_service_knows_its_own_database_role_alone():
    for name in set(OURS) - {"provision"}:
        dsns = [key for key in OURS[name]["environment"] if key.endswith("_DSN")]
        assert dsns in ([], [f"WARREN_{name.upper()}_DSN"])


def resolved(text):
    """Put each variable's name in its place."""
    return re.sub(r"\$\{(\w+)[^}]*\}", r"\1", text)


def test_the_gateway_learns_the_clients_address_from_the_load_balancer_alone():
    assert "WARREN_HTTP_TRUSTED_PROXIES" in OURS["gateway"]["environment"]
    assert set(SERVICES["gateway"]["networks"]) & set(SERVICES["lb"]["networks"]) == {"front"}
    assert {name for name, each in SERVICES.items() if "front" in each["networks"]} == {
        "lb",
        "gateway",
    }
    nginx = (ROOT / "deploy/nginx/nginx.conf").read_text()
    assert "X-Forwarded-For $remote_addr;" in nginx


def test_each_part_has_its_own_account_at_the_broker_alone():
    urls = json.loads(resolved(OURS["provision"]["environment"]["WARREN_AMQP_URLS"]))
    assert urls.keys() == set(PARTIES) == OURS.keys() - {"provision"}
    for party, url in urls.items():
        assert url == f"amqp://{party}:{party.upper()}_RABBITMQ_PASSWORD@rabbitmq:5672/"
        environment = OURS[party]["environment"]
        assert resolved(environment["WARREN_AMQP_URL"]) == url
        assert "WARREN_AMQP_ADMIN_URL" not in environment


@pytest.mark.parametrize("name", sorted(set(SERVICES) - set(OURS)))
def test_an_image_may_be_pinned_by_its_digest(name):
    """By a variable; Compose's own override file does it for all."""
    assert re.fullmatch(r"\$\{[A-Z0-9]+_IMAGE:-.*\}", SERVICES[name]["image"])


def test_the_artifacts_service_has_a_user_of_the_storage_and_not_the_administrators_keys():
    holders = {n for n in OURS if any("S3_" in key for key in OURS[n]["environment"])}
    assert holders == {"artifacts", "provision"}
    user, makes_it = OURS["artifacts"]["environment"], OURS["provision"]["environment"]
    for key in ("WARREN_S3_ENDPOINT", "WARREN_S3_ACCESS_KEY", "WARREN_S3_SECRET_KEY"):
        assert user[key] == makes_it[key]
    administrator = SERVICES["s3"]["environment"]
    assert makes_it["WARREN_S3_ADMIN_ACCESS_KEY"] == administrator["MINIO_ROOT_USER"]
    assert makes_it["WARREN_S3_ADMIN_SECRET_KEY"] == administrator["MINIO_ROOT_PASSWORD"]
    assert not set(administrator.values()) & set(user.values())


def test_passwords_have_no_default():
    secrets = {k for k in variables(EXAMPLE) if k.endswith(("PASSWORD", "SECRET_KEY", "TOKEN"))}
    used = set(re.findall(r"\$\{(\w+(?:PASSWORD|SECRET_KEY|TOKEN))", TEXT))
    assert used == secrets
    assert all(variables(EXAMPLE)[name] == "" for name in secrets)
    for use in re.findall(r"\$\{\w+(?:PASSWORD|SECRET_KEY|TOKEN)[^}]*\}", TEXT):
        assert ":?" in use, use


def test_every_variable_is_in_the_example():
    used = set(re.findall(r"\$\{(\w+)", TEXT))
    optional = {each for each in used if each.endswith("_IMAGE")} | {"WARREN_MAX_ARTIFACT_BYTES"}
    assert used - optional == set(variables(EXAMPLE)) - {"COMPOSE_PROFILES"}


def test_environment_file_gets_passwords_once_and_keeps_what_it_has(tmp_path):
    command = [ROOT / "deploy/compose/env.sh", EXAMPLE, tmp_path / ".env"]
    subprocess.run(command, check=True, capture_output=True)
    first = variables(tmp_path / ".env")
    assert first.keys() == variables(EXAMPLE).keys()
    passwords = [v for k, v in first.items() if k.endswith(("PASSWORD", "SECRET_KEY", "TOKEN"))]
    assert all(re.fullmatch(r"(glpat-)?[0-9a-f]{32}", each) for each in passwords)
    assert len(set(passwords)) == len(passwords)
    assert (tmp_path / ".env").stat().st_mode & 0o077 == 0

    kept = "".join(f"{k}={v}\n" for k, v in first.items() if k != "S3_SECRET_KEY")
    (tmp_path / ".env").write_text(kept)
    (tmp_path / ".env").chmod(0o644)
    subprocess.run(command, check=True, capture_output=True)
    assert (tmp_path / ".env").stat().st_mode & 0o077 == 0
    second = variables(tmp_path / ".env")
    assert second.pop("S3_SECRET_KEY")
    assert second == {k: v for k, v in first.items() if k != "S3_SECRET_KEY"}


def compose_command() -> list[str]:
    docker = shutil.which("docker")
    if docker and not subprocess.call([docker, "compose", "version"], stdout=subprocess.DEVNULL):
        return [docker, "compose"]
    pytest.skip("Docker Compose is not installed")


@pytest.fixture
def config(tmp_path):
    """Let Compose check the files with given variables; no daemon is needed for that."""
    compose = compose_command()
    subprocess.run([ROOT / "deploy/compose/env.sh", EXAMPLE, tmp_path / ".env"], check=True)

    def check(without: str = "") -> subprocess.CompletedProcess[str]:
        lines = (tmp_path / ".env").read_text().splitlines()
        (tmp_path / "env").write_text(
            "\n".join(x for x in lines if not without or not x.startswith(f"{without}="))
        )
        command = [*compose, "--env-file", tmp_path / "env", "config", "-q"]
        return subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)

    return check


def test_compose_accepts_the_file(config):
    result = config()
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize(
    "name", [k for k in variables(EXAMPLE) if k.endswith(("PASSWORD", "SECRET_KEY"))]
)
def test_compose_names_a_variable_that_is_not_set(config, name):
    result = config(without=name)
    assert result.returncode != 0
    assert name in result.stderr
