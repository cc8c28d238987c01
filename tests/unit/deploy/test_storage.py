"""`deploy.provision` makes the bucket and its user by MinIO's administration API, of which this is a fake."""

import json
import re
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from minio.crypto import decrypt
from urllib3 import HTTPResponse

from deploy.provision.__main__ import prepare
from deploy.provision.settings import ProvisionSettings
from deploy.provision.storage import policy_of, prepare_storage
from services.artifacts.settings import S3Settings
from shared.runtime.starting import StartError

ADMINISTRATOR, ADMINISTRATORS_SECRET = "root", "root's secret"
BUCKET = "artifacts-of-b"
ADMINISTRATION = "/minio/admin/v3"


class MinioLike:
    """What a server like MinIO remembers of users, policies and buckets."""

    def __init__(self) -> None:
        self.policies = {}
        self.secrets = {}
        self.rights = {}
        self.buckets = {}
        self.refusals = []
        self.server = TestServer(self._application())

    def _application(self):
        application = web.Application(middlewares=[self._refuse])
        application.router.add_get(f"{ADMINISTRATION}/list-canned-policies", self._list_policies)
        put = application.router.add_put
        put(f"{ADMINISTRATION}/add-canned-policy", self._add_policy)
        put(f"{ADMINISTRATION}/add-user", self._add_user)
        put(f"{ADMINISTRATION}/set-user-or-group-policy", self._set_policy)
        application.router.add_head("/{bucket}", self._look)
        put("/{bucket}", self._make_bucket)
        return application

    @web.middleware
    async def _refuse(self, request, handler):
        assert f"Credential={ADMINISTRATOR}/" in request.headers["Authorization"]
        return self.refusals.pop(0) if self.refusals else await handler(request)

    async def _list_policies(self, _):
        return web.json_response(self.policies)

    async def _add_policy(self, request):
        self.policies[request.query["name"]] = await request.json()
        return web.Response()

    async def _add_user(self, request):
        sealed = HTTPResponse(BytesIO(await request.read()), preload_content=False)
        user = json.loads(decrypt(sealed, ADMINISTRATORS_SECRET))
        assert user["status"] == "enabled"
        self.secrets[request.query["accessKey"]] = user["secretKey"]
        return web.Response()

    async def _set_policy(self, request):
        assert request.query["isGroup"] == "false"
        self.rights[request.query["userOrGroup"]] = request.query["policyName"]
        return web.Response()

    async def _look(self, request):
        known = request.match_info["bucket"] in self.buckets
        return web.Response(status=HTTPStatus.OK if known else HTTPStatus.NOT_FOUND)

    async def _make_bucket(self, request):
        rules = self.buckets.setdefault(request.match_info["bucket"], [])
        if "lifecycle" in request.query:
            rules.append(await request.text())
        return web.Response()


@pytest.fixture
async def minio():
    fake = MinioLike()
    async with fake.server:
        yield fake


def settings(minio, **changes):
    storage = S3Settings(
        endpoint=str(minio.server.make_url("")).rstrip("/"),
        access_key="artifacts",
        secret_key="the service's secret",
        bucket=BUCKET,
    )
    given: dict[str, Any] = {
        "s3": storage,
        "s3_admin_access_key": ADMINISTRATOR,
        "s3_admin_secret_key": ADMINISTRATORS_SECRET,
        "provision_timeout": 10.0,
    }
    return ProvisionSettings(**(given | changes), _cli_parse_args=[])


async def test_the_user_of_the_bucket_may_do_nothing_elsewhere(minio):
    await prepare(settings(minio))
    await prepare(settings(minio))
    assert minio.secrets == {"artifacts": "the service's secret"}
    policy = minio.policies[minio.rights["artifacts"]]
    for statement in policy["Statement"]:
        assert statement["Effect"] == "Allow"
        [resource] = statement["Resource"]
        assert resource in {f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"}
        assert not [action for action in statement["Action"] if "*" in action]


async def test_the_policy_of_the_manual_is_the_one_that_provisioning_sets():
    manual = (Path(__file__).parents[3] / "docs/operating.md").read_text()
    [policy] = re.findall(r"```json\n(.*?)```", manual, flags=re.DOTALL)
    assert json.loads(policy) == policy_of("warren-artifacts")


async def test_the_bucket_is_made_once_with_its_rule(minio):
    await prepare(settings(minio))
    await prepare(settings(minio))
    [rule] = minio.buckets.pop(BUCKET)
    assert "AbortIncompleteMultipartUpload" in rule
    assert minio.buckets == {}


async def test_a_server_that_is_not_ready_is_waited_for(minio):
    minio.refusals.append(web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE))
    await prepare_storage(settings(minio), pause_seconds=0.05)
    assert "artifacts" in minio.rights
    assert BUCKET in minio.buckets


async def test_a_server_that_is_away_is_named(minio):
    address = settings(minio)
    await minio.server.close()
    with pytest.raises(StartError, match=r"did not answer within 0 s.*WARREN_S3_ENDPOINT"):
        await prepare(address.model_copy(update={"provision_timeout": 0.2}))


async def test_a_refusal_says_what_else_there_is(minio):
    minio.refusals.append(web.Response(status=HTTPStatus.FORBIDDEN, text="SignatureDoesNotMatch"))
    with pytest.raises(StartError, match="SignatureDoesNotMatch.*leave both empty"):
        await prepare(settings(minio))


async def test_the_service_does_not_get_the_administrators_user(minio):
    storage = settings(minio).s3.model_copy(update={"access_key": ADMINISTRATOR})
    with pytest.raises(StartError, match="a user of its own"):
        await prepare(settings(minio, s3=storage))


async def test_an_administrator_without_a_server_is_refused(minio):
    with pytest.raises(StartError, match="needs WARREN_S3_ENDPOINT"):
        await prepare(settings(minio, s3=None))
