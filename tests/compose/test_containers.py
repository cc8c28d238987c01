"""The promises of docker-compose.yml, on real containers: started, scaled, interrupted, and kept from each other."""

import asyncio
import hashlib
import json
import os
import re
import subprocess
import time

import pytest

from tests.compat.stock_client import StockClient
from tests.compose.stack import RUNS_ONCE, Stack, service_of
from tests.rest import Api, api, metric

MEBIBYTE = 1024 * 1024
RECOVERY_SECONDS = 90.0
METRICS = (
    "import urllib.request as u; print(u.urlopen('http://127.0.0.1:9090/metrics').read().decode())"
)
CHANGEABLE = """
import os, stat
def changeable(path):
    it = os.lstat(path)
    shared = it.st_mode & 0o002 and not it.st_mode & stat.S_ISVTX and not stat.S_ISLNK(it.st_mode)
    return it.st_uid == 10001 or shared
print([path for top in ("venv", "warren", "usr", "etc", "opt", "home", "var", "root") if os.path.isdir("/" + top)
    for d, _, files in os.walk("/" + top) for path in [d, *(os.path.join(d, f) for f in files)] if changeable(path)])
"""
REACH = "import socket; socket.create_connection(({host!r}, {port}), timeout=3)"


def health(container) -> str:
    return container["State"].get("Health", {}).get("Status", container["State"]["Status"])


def test_everything_is_healthy_and_what_runs_once_has_left_well(stack: Stack) -> None:
    states = {service_of(each): each for each in stack.containers()}
    assert states.keys() >= RUNS_ONCE
    for name, container in states.items():
        if name in RUNS_ONCE:
            assert container["State"]["ExitCode"] == 0
        else:
            assert health(container) == "healthy", name


def test_containers_are_restricted(stack: Stack) -> None:
    for container in stack.containers():
        name, host = service_of(container), container["HostConfig"]
        assert host["ReadonlyRootfs"], name
        assert host["Memory"] > 0, name
        assert host["PidsLimit"] > 0, name
        if container["Config"]["Image"].startswith("warren"):
            assert container["Config"]["User"] == "10001:10001"
            assert host["CapDrop"] == ["ALL"]
        published = [port for port in container["NetworkSettings"]["Ports"].values() if port]
        assert bool(published) == (name == "lb"), name


def test_the_image_holds_nothing_that_its_user_could_change(stack: Stack) -> None:
    [container] = stack.containers("tracking")
    done = stack.python(container, CHANGEABLE)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


@pytest.mark.parametrize(
    ("service", "host", "port", "reached"),
    [
        ("artifacts", "s3", 9000, True),
        ("gateway", "s3", 9000, True),
        ("tracking", "s3", 9000, False),
        ("registry", "s3", 9000, False),
        ("tracking", "postgres", 5432, True),
        ("artifacts", "postgres", 5432, False),
        ("gateway", "postgres", 5432, False),
        ("access", "postgres", 5432, True),
        ("access", "s3", 9000, False),
        ("gateway", "rabbitmq", 5672, True),
        ("gateway", "1.1.1.1", 53, False),
    ],
)
def test_networks_let_through_what_is_needed(stack, service, host, port, reached) -> None:
    container = stack.containers(service)[0]
    done = stack.python(container, REACH.format(host=host, port=port))
    assert (done.returncode == 0) is reached, done.stderr


@pytest.mark.parametrize(
    "scenario",
    ["sklearn_training", "sklearn_model", "artifacts", "registered_log_model", "search_runs"],
)
def test_stock_client_works_through_the_load_balancer(stock_client: StockClient, scenario) -> None:
    outcome = stock_client.run(scenario)
    assert outcome.code == 0, outcome.output


async def test_every_request_needs_a_token(stack: Stack) -> None:
    for token in ("", "x" * 32):
        async with api(stack.url, token=token) as rest:
            answer = await rest.post("experiments/search", {"max_results": 1})
        assert answer.status == 401, answer


async def test_a_name_that_is_not_warren_s_is_refused(stack: Stack) -> None:
    async with stack.session() as session:
        for host, status in (("localhost", 200), ("rebound.example", 403)):
            url = "/api/2.0/mlflow/experiments/get-by-name?experiment_name=Default"
            async with session.get(url, headers={"Host": host}) as answer:
                assert answer.status == status, await answer.text()


async def test_a_large_artifact_streams_through(stack: Stack) -> None:
    async with stack.api() as rest:
        run = await rest.new_run(await rest.new_experiment(f"large-{time.time_ns()}"))
        path = f"{await artifacts_of(rest, run)}/large"
        body = os.urandom(MEBIBYTE)

        async def chunks():
            for _ in range(400):
                yield body

        async with stack.session() as session:
            async with session.put(path, data=chunks()) as answer:
                assert answer.status == 200, await answer.text()
            digest = hashlib.sha256()
            async with session.get(path) as answer:
                async for data in answer.content.iter_chunked(MEBIBYTE):
                    digest.update(data)
    assert digest.digest() == hashlib.sha256(body * 400).digest()


async def artifacts_of(rest: Api, run: str) -> str:
    """Return the path of a run's artifacts."""
    info = (await rest.get("runs/get", run_id=run)).body["run"]["info"]
    root = str(info["artifact_uri"]).removeprefix("mlflow-artifacts:/")
    return f"/api/2.0/mlflow-artifacts/artifacts/{root}"


def test_scaled_services_share_the_work(stack: Stack, stock_client: StockClient) -> None:
    stack.up(tracking=4, gateway=2)
    asyncio.run(load(stack, requests=400))
    assert stock_client.run("sklearn_training").code == 0
    for service in ("tracking", "gateway"):
        counts = [handled(stack, service, each) for each in stack.containers(service)]
        assert len(counts) == {"tracking": 4, "gateway": 2}[service]
        assert all(counts), f"{service}: {counts}"
    stack.up(tracking=2, gateway=2)


async def load(stack: Stack, requests: int) -> None:
    async with stack.api(connections=32) as rest:
        run = await rest.new_run(await rest.new_experiment(f"scaled-{time.time_ns()}"))
        points = ({"run_id": run, **metric("loss", 0.5, step)} for step in range(requests))
        await asyncio.gather(*(rest.done("runs/log-metric", point) for point in points))
        assert len(await rest.history(run, "loss")) == requests


def handled(stack: Stack, service: str, container) -> float:
    """Count the requests, or the messages, that one process answered."""
    name = {"gateway": "http_request", "tracking": "message"}[service]
    sample = rf"^warren_{name}_duration_seconds_count(?:{{.*}})? (\S+)$"
    return sum(
        map(float, re.findall(sample, stack.python(container, METRICS).stdout, re.MULTILINE))
    )


@pytest.mark.parametrize("service", ["rabbitmq", "postgres", "s3"])
async def test_a_server_restarts_and_all_recovers_by_itself(
    stack: Stack, stock_client: StockClient, service: str
) -> None:
    async with stack.api() as rest:
        run = await rest.new_run(await rest.new_experiment(f"{service}-{time.time_ns()}"))
        acknowledged, stop = [], asyncio.Event()
        writer = asyncio.create_task(write(rest, run, acknowledged, stop))
        await asyncio.sleep(0.5)
        await asyncio.to_thread(stack.compose, "restart", service)
        await until_healthy(stack)
        before = len(acknowledged)
        async with asyncio.timeout(RECOVERY_SECONDS):
            while len(acknowledged) < before + 20:
                await asyncio.sleep(0.1)
        stop.set()
        await writer
        stored = [point["step"] for point in await rest.history(run, "loss")]
    assert len(stored) == len(set(stored))
    assert set(acknowledged) <= set(stored)
    assert (await asyncio.to_thread(stock_client.run, "artifacts")).code == 0


async def write(rest: Api, run: str, acknowledged: list[int], stop: asyncio.Event) -> None:
    """Log a point after the other; what is refused is sent again, as a client would."""
    step = 0
    while not stop.is_set():
        answer = await rest.post("runs/log-metric", {"run_id": run, **metric("loss", 0.5, step)})
        assert answer.status in {200, 429, 503}, answer
        if answer.status == 200:
            acknowledged.append(step)
            step += 1
        else:
            await asyncio.sleep(0.2)


async def until_healthy(stack: Stack) -> None:
    async with asyncio.timeout(RECOVERY_SECONDS):
        while not all(
            health(each) == "healthy"
            for each in await asyncio.to_thread(stack.containers)
            if service_of(each) not in RUNS_ONCE
        ):
            await asyncio.sleep(0.5)


async def test_a_killed_process_is_started_again(stack: Stack) -> None:
    [artifacts] = stack.containers("artifacts")
    # From outside: within its namespace nothing can kill the first process.
    subprocess.run(["kill", "-KILL", str(artifacts["State"]["Pid"])], check=True)
    async with asyncio.timeout(RECOVERY_SECONDS):
        while not (again := stack.containers("artifacts")[0])["RestartCount"]:
            await asyncio.sleep(0.2)
    assert again["Id"] == artifacts["Id"]
    await until_healthy(stack)


async def test_gateways_leave_one_by_one_and_no_answer_is_wrong(stack: Stack) -> None:
    async with stack.api() as rest:
        run = await rest.new_run(await rest.new_experiment(f"rolling-{time.time_ns()}"))
        acknowledged, stop = [], asyncio.Event()
        writer = asyncio.create_task(write(rest, run, acknowledged, stop))
        for gateway in stack.containers("gateway"):
            await asyncio.to_thread(
                subprocess.run, ["docker", "restart", gateway["Id"]], check=True
            )
            await until_healthy(stack)
        stop.set()
        await writer
        stored = [point["step"] for point in await rest.history(run, "loss")]
    assert set(acknowledged) <= set(stored)


async def test_prometheus_reads_every_process(stack: Stack) -> None:
    stack.compose("--profile", "observability", "up", "-d", "--wait", "--no-build", "prometheus")
    gateway = stack.containers("gateway")[0]
    ask = "import urllib.request as u; print(u.urlopen('http://prometheus:9090/api/v1/targets').read().decode())"
    ours = {service_of(each) for each in stack.containers() if "warren" in each["Config"]["Image"]}
    wanted = ours - RUNS_ONCE | {"rabbitmq"}
    seen: dict[str, str] = {}
    async with asyncio.timeout(RECOVERY_SECONDS):
        while not {name for name, state in seen.items() if state == "up"} >= wanted:
            await asyncio.sleep(1)
            targets = json.loads(stack.python(gateway, ask).stdout)["data"]["activeTargets"]
            seen = {x["labels"].get("service_name", "rabbitmq"): x["health"] for x in targets}


async def test_data_survive_the_containers(stack: Stack) -> None:
    name = f"kept-{time.time_ns()}"
    async with stack.api() as rest:
        experiment = await rest.new_experiment(name)
        run = await rest.new_run(experiment)
        path = f"{await artifacts_of(rest, run)}/kept"
    async with stack.session() as session, session.put(path, data=b"kept") as answer:
        assert answer.status == 200, await answer.text()
    stack.down()
    assert stack.compose("ps", "-aq") == ""
    stack.up()
    async with stack.api() as rest:
        found = await rest.get("experiments/get-by-name", experiment_name=name)
        assert found.body["experiment"]["experiment_id"] == experiment
    async with stack.session() as session, session.get(path) as answer:
        assert await answer.read() == b"kept"


async def test_without_gateways_the_load_balancer_answers_in_mlflow_s_envelope(
    stack: Stack,
) -> None:
    stack.compose("stop", "gateway")
    async with stack.api() as rest:
        answer = await rest.post("experiments/search", {"max_results": 1})
    assert (answer.status, answer.body["error_code"]) == (503, "TEMPORARILY_UNAVAILABLE")
    stack.up()


def test_down_with_volumes_leaves_nothing(stack: Stack) -> None:
    stack.down("-v")
    volumes = ["docker", "volume", "ls", "-q", "--filter", "name=warren-test_"]
    assert subprocess.check_output(volumes) == b""
