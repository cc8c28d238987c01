"""The artifacts service's keys open its bucket alone. tests/integration/artifacts shows that they suffice for it."""

import io
from http import HTTPStatus
from typing import NamedTuple

import pytest
import urllib3
from minio import Minio
from minio.commonconfig import CopySource
from minio.datatypes import Part
from minio.deleteobjects import DeleteObject
from minio.error import S3Error

from deploy.local.embedded.bucket import provision_bucket
from deploy.local.embedded.s3 import EmbeddedS3
from deploy.provision.__main__ import prepare
from deploy.provision.settings import ProvisionSettings
from shared.runtime.starting import StartError

OWN = "warren"
# SeaweedFS compares names of buckets as text, so neighbours in the alphabet are asked about, too.
OTHERS = ("other", f"{OWN}-2", f"x{OWN}", f"{OWN}.old")
SECRET = b"another's"
EVERYBODY_READS = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", '
    '"Action": "s3:GetObject", "Resource": "arn:aws:s3:::%s/*"}]}'
)


class Clients(NamedTuple):
    """Two clients of one server."""

    administrator: Minio
    user: Minio


def connect(endpoint, keys):
    host = endpoint.removeprefix("http://")
    return Minio(host, keys.access_key, keys.secret_key, secure=False, region="us-east-1")


@pytest.fixture(scope="module")
async def clients(tmp_path_factory):
    directory = tmp_path_factory.mktemp("accounts")
    async with EmbeddedS3(directory / "s3", bucket=OWN) as server:
        administrator = connect(server.endpoint, server.credentials)
        user = connect(server.endpoint, await provision_bucket(server))
        for bucket in OTHERS:
            administrator.make_bucket(bucket)
            administrator.put_object(bucket, "a", io.BytesIO(SECRET), len(SECRET))
        user.put_object(OWN, "mine", io.BytesIO(b"mine"), 4)
        yield Clients(administrator, user)


REQUESTS = {
    "look for it": lambda c, b: c.bucket_exists(b),
    "list": lambda c, b: list(c.list_objects(b, recursive=True)),
    "list uploads": lambda c, b: c._list_multipart_uploads(b),
    "read": lambda c, b: c.get_object(b, "a"),
    "read the metadata": lambda c, b: c.stat_object(b, "a"),
    "write": lambda c, b: c.put_object(b, "a", io.BytesIO(b"forged"), 6),
    "delete": lambda c, b: c.remove_object(b, "a"),
    "begin an upload": lambda c, b: c._create_multipart_upload(b, "a", {}),
    "complete an upload": lambda c, b: c._complete_multipart_upload(b, "a", "id", [Part(1, "e")]),
    "copy from it": lambda c, b: c.copy_object(OWN, "copied", CopySource(b, "a")),
    "copy to it": lambda c, b: c.copy_object(b, "a", CopySource(OWN, "mine")),
    "read its rules": lambda c, b: c.get_bucket_lifecycle(b),
    "delete its rules": lambda c, b: c.delete_bucket_lifecycle(b),
    "open it to everybody": lambda c, b: c.set_bucket_policy(b, EVERYBODY_READS % b),
    "delete it": lambda c, b: c.remove_bucket(b),
}


@pytest.mark.parametrize("bucket", OTHERS)
@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
async def test_another_bucket_is_refused(clients, bucket, request_):
    with pytest.raises(S3Error) as refusal:
        request_(clients.user, bucket)
    assert refusal.value.code == "AccessDenied"
    with clients.administrator.get_object(bucket, "a") as answer:
        assert answer.read() == SECRET


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_a_url_that_the_user_signs_does_not_open_another_bucket(clients, method):
    url = clients.user.get_presigned_url(method, "other", "a")
    assert urllib3.request(method, url, body=b"forged").status == HTTPStatus.FORBIDDEN
    with clients.administrator.get_object("other", "a") as answer:
        assert answer.read() == SECRET


async def test_deletion_in_bulk_deletes_nothing_of_another_bucket(clients):
    [error] = clients.user.remove_objects("other", [DeleteObject("a")])
    assert error.code == "AccessDenied"
    assert clients.administrator.stat_object("other", "a").size == len(SECRET)


async def test_the_user_makes_no_bucket_and_sees_its_own_alone(clients):
    with pytest.raises(S3Error, match="AccessDenied"):
        clients.user.make_bucket("fresh")
    assert [each.name for each in clients.user.list_buckets()] == [OWN]


async def test_the_user_neither_deletes_nor_publishes_its_own_bucket(clients):
    with pytest.raises(S3Error, match="AccessDenied"):
        clients.user.remove_bucket(OWN)
    with pytest.raises(S3Error, match="AccessDenied"):
        clients.user.set_bucket_policy(OWN, EVERYBODY_READS % OWN)
    with clients.user.get_object(OWN, "mine") as answer:
        assert answer.read() == b"mine"


async def test_provisioning_writes_nothing_to_a_server_without_minios_administration_api(tmp_path):
    async with EmbeddedS3(tmp_path / "s3", bucket=OWN) as server:
        user = await provision_bucket(server)
        administrator = connect(server.endpoint, server.credentials)
        # The server takes a call of that API for an object of this bucket.
        administrator.make_bucket("minio")
        given = ProvisionSettings(
            s3=user,
            s3_admin_access_key=server.credentials.access_key,
            s3_admin_secret_key=server.credentials.secret_key,
            _cli_parse_args=[],
        )
        with pytest.raises(StartError, match="has the server MinIO's administration API"):
            await prepare(given)
        assert list(administrator.list_objects("minio", recursive=True)) == []


async def test_the_users_keys_stay_and_differ_from_the_administrators(tmp_path):
    async with EmbeddedS3(tmp_path / "s3", bucket=OWN) as server:
        first = await provision_bucket(server)
        connect(server.endpoint, first).put_object(OWN, "kept", io.BytesIO(b"kept"), 4)
        assert first.access_key != server.credentials.access_key
        assert first.secret_key != server.credentials.secret_key
    async with EmbeddedS3(tmp_path / "s3", bucket=OWN) as server:
        again = await provision_bucket(server)
        assert (again.access_key, again.secret_key) == (first.access_key, first.secret_key)
        with connect(server.endpoint, again).get_object(OWN, "kept") as answer:
            assert answer.read() == b"kept"


async def test_a_bucket_of_a_release_with_one_account_is_the_users_now(tmp_path):
    async with EmbeddedS3(tmp_path / "s3") as server:
        administrator = connect(server.endpoint, server.credentials)
        administrator.make_bucket(OWN)
        administrator.put_object(OWN, "old", io.BytesIO(b"old"), 3)
    async with EmbeddedS3(tmp_path / "s3", bucket=OWN) as server:
        user = connect(server.endpoint, await provision_bucket(server))
        with user.get_object(OWN, "old") as answer:
            assert answer.read() == b"old"
        user.remove_object(OWN, "old")
        assert list(user.list_objects(OWN, recursive=True)) == []
