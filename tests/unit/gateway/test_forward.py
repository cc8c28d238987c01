"""One request is one envelope; the answer's bytes pass through."""

import time

import pytest

from services.gateway.mlflow.endpoints import ENDPOINTS
from shared.contracts import MESSAGES
from shared.contracts.artifacts import PresignArtifact
from shared.contracts.errors import DomainError, ErrorCode, invalid
from shared.contracts.experiments import GetExperimentTag
from shared.contracts.metrics import LogMetric
from shared.contracts.model_experiments import (
    EnsureModelExperiment,
    EnsureVersionRun,
    RenameModelExperiment,
)
from shared.contracts.model_versions import GetVersionById
from shared.contracts.purges import (
    DeleteOrphans,
    ExpireTraces,
    FindOwners,
    FindTraces,
    GetExpiryPlan,
    GetPurgePlan,
    ListOwnedDirectories,
    ListProjectsWithData,
    ListStoredProjects,
    PurgeDeleted,
)
from shared.contracts.runs import GetRunByIid
from shared.contracts.spans import ListSpans, LogSpans
from shared.messaging.messages import Answer

LOG_METRIC = "/api/2.0/mlflow/runs/log-metric"


@pytest.mark.parametrize(
    ("prefix", "endpoint"),
    [(prefix, endpoint) for endpoint in ENDPOINTS for prefix in endpoint.prefixes],
    ids=lambda value: getattr(value, "path", value),
)
async def test_every_endpoint_answers_under_every_prefix(client, bus, prefix, endpoint):
    if endpoint.owner == "run or model":
        return  # Its body must name one of the two; see artifacts/test_roots.py.
    for query, owner in (("GetRun", "run"), ("GetLoggedModel", "model")):
        if endpoint.owner == owner:
            info = b'{"%b": {"info": {"artifact_uri": "s3://b"}}}' % owner.encode()
            bus.replies[query] = Answer(info)
    for method in endpoint.methods.split():
        response = await client.request(method, prefix + endpoint.path)
        assert response.status == 200
        service, kind, envelope = bus.sent[-1]
        assert (service, kind) == (endpoint.contract.service, endpoint.contract.kind)
        assert envelope.name == endpoint.contract.__name__


def test_every_contract_has_an_endpoint_or_is_not_for_clients():
    assert {endpoint.contract for endpoint in ENDPOINTS} == set(MESSAGES.values()) - {
        PresignArtifact,
        ListProjectsWithData,
        ListStoredProjects,
        GetPurgePlan,
        PurgeDeleted,
        ListOwnedDirectories,
        FindOwners,
        FindTraces,
        DeleteOrphans,
        GetExpiryPlan,
        ExpireTraces,
        GetExperimentTag,
        GetRunByIid,
        GetVersionById,
        EnsureModelExperiment,
        RenameModelExperiment,
        EnsureVersionRun,
        LogSpans,
        ListSpans,
    }


async def test_body_is_forwarded_unparsed(client, bus):
    body = b' {"value": 1e400, "unknown" :[1] , not json'
    await client.post(LOG_METRIC, data=body, headers={"Content-Type": "application/json"})
    assert bus.envelope.payload == body


async def test_answer_passes_through_byte_by_byte(client, bus):
    bus.reply = Answer(b'{"run" : {"n":1.50}}')
    response = await client.post(LOG_METRIC, json={})
    assert await response.read() == b'{"run" : {"n":1.50}}'
    assert response.headers["Content-Type"] == "application/json"


async def test_root_mount_asks_about_project_1_without_a_user(client, bus):
    await client.post(LOG_METRIC, json={})
    envelope = bus.envelope
    assert (envelope.project, envelope.author, envelope.dialect) == (1, "", "mlflow")


async def test_deadline_is_the_timeout_from_now(client, bus):
    await client.post(LOG_METRIC, json={})
    assert bus.envelope.deadline == pytest.approx(time.time() + 30, abs=5)


async def test_each_request_has_its_own_id(client, bus):
    await client.post(LOG_METRIC, json={})
    await client.post(LOG_METRIC, json={})
    first, second = (envelope.id for _, _, envelope in bus.sent)
    assert first != second


async def test_request_id_comes_back_and_goes_along(client, bus):
    response = await client.post(LOG_METRIC, json={}, headers={"X-Request-Id": "abc-1"})
    assert response.headers["X-Request-Id"] == "abc-1"
    assert bus.envelope.request_id == "abc-1"


@pytest.mark.parametrize("given", [{}, {"X-Request-Id": "a b"}, {"X-Request-Id": "x" * 256}])
async def test_request_id_is_invented_when_absent_or_unfit(client, bus, given):
    response = await client.post(LOG_METRIC, json={}, headers=given)
    assert response.headers["X-Request-Id"] == bus.envelope.id.hex


async def test_idempotency_key_goes_along_with_a_command(client, bus):
    await client.post(LOG_METRIC, json={}, headers={"Idempotency-Key": "once"})
    assert bus.envelope.idempotency_key == "once"


async def test_idempotency_key_of_a_query_is_ignored(client, bus):
    await client.post("/api/2.0/mlflow/runs/search", json={}, headers={"Idempotency-Key": "once"})
    assert bus.envelope.idempotency_key is None


@pytest.mark.parametrize("key", ["", "two words", "x" * 256])
async def test_unusable_idempotency_key_is_refused(client, bus, key):
    response = await client.post(LOG_METRIC, json={}, headers={"Idempotency-Key": key})
    assert response.status == 400
    assert (await response.json())["error_code"] == "INVALID_PARAMETER_VALUE"
    assert not bus.sent


async def test_refusal_of_the_service_becomes_mlflows_envelope(client, bus):
    bus.reply = Answer.refusal(invalid("Größe ist falsch"))
    response = await client.post(LOG_METRIC, json={})
    assert response.status == 400
    assert await response.json() == {
        "error_code": "INVALID_PARAMETER_VALUE",
        "message": "Größe ist falsch",
    }


@pytest.mark.parametrize(
    ("code", "status"),
    [(ErrorCode.REQUEST_LIMIT_EXCEEDED, 429), (ErrorCode.TEMPORARILY_UNAVAILABLE, 503)],
)
async def test_refusal_of_the_bus_says_when_to_try_again(client, bus, code, status):
    bus.reply = DomainError(code, "later")
    response = await client.post(LOG_METRIC, json={})
    assert response.status == status
    assert response.headers["Retry-After"] == "1"
    assert (await response.json())["error_code"] == code


@pytest.mark.parametrize("error", [ZeroDivisionError, ConnectionError])
async def test_unexpected_exception_is_an_internal_error_with_an_id(client, bus, capfd, error):
    bus.reply = error("secret")
    response = await client.post(LOG_METRIC, json={}, headers={"X-Request-Id": "find-me"})
    assert response.status == 500
    body = await response.json()
    assert body["error_code"] == "INTERNAL_ERROR"
    assert "find-me" in body["message"]
    assert "secret" not in body["message"]
    out = "".join(capfd.readouterr())
    assert out.count("request_failed") == 1
    assert error.__name__ in out


async def test_real_bodies_satisfy_their_contract(client, bus):
    await client.post(
        LOG_METRIC, json={"run_uuid": "a", "key": "k", "value": "0.5", "timestamp": "7"}
    )
    assert LogMetric.parse(bus.envelope.payload).value == 0.5
