"""Prepares the S3 server: the bucket, and a user that may use this bucket alone.

S3 itself knows no users. Those of MinIO, and of servers that descend from it, are made by its administration API.
"""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus

import structlog
import urllib3
from minio import MinioAdmin
from minio.credentials.providers import StaticProvider
from minio.error import MinioAdminException

from deploy.provision.settings import ProvisionSettings
from deploy.provision.waiting import PAUSE_SECONDS, Server, until_ready
from services.artifacts.settings import S3Settings
from services.artifacts.store.minio import MinioStore, connections
from services.artifacts.store.objects import StorageUnavailableError
from shared.runtime.starting import StartError

BUCKET_ACTIONS = ("s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads")
OBJECT_ACTIONS = (
    "s3:GetObject",
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
)
S3 = Server(
    "The S3 server",
    "WARREN_S3_ENDPOINT is its address",
    (StorageUnavailableError, urllib3.exceptions.HTTPError, OSError),
)

log = structlog.get_logger(__name__)


async def prepare_storage(
    settings: ProvisionSettings, pause_seconds: float = PAUSE_SECONDS
) -> None:
    """Create the bucket and its user where missing, and set the user's secret key and rights.

    Repeating this is harmless. It retries until the S3 server answers, after a pause each. Raises StartError.
    """
    user, administrator = _keys(settings)

    async def prepare() -> None:
        await asyncio.to_thread(_make_user, user, administrator)
        await _make_bucket(administrator)

    await until_ready(S3, prepare, settings.provision_timeout, pause_seconds)
    log.info("storage_provisioned", bucket=user.bucket)


def policy_of(bucket: str) -> Mapping[str, object]:
    """Return the rights of the artifacts service, as S3 servers write them."""
    arn = f"arn:aws:s3:::{bucket}"
    statements = ((BUCKET_ACTIONS, arn), (OBJECT_ACTIONS, f"{arn}/*"))
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": list(actions), "Resource": [resource]}
            for actions, resource in statements
        ],
    }


def _keys(settings: ProvisionSettings) -> tuple[S3Settings, S3Settings]:
    """Return the storage by the user's keys, and by the administrator's."""
    if not settings.s3:
        message = (
            "WARREN_S3_ADMIN_ACCESS_KEY needs WARREN_S3_ENDPOINT, and WARREN_S3_ACCESS_KEY and "
            "WARREN_S3_SECRET_KEY of the user to make."
        )
        raise StartError(message)
    if settings.s3.access_key == settings.s3_admin_access_key:
        message = (
            "WARREN_S3_ACCESS_KEY and WARREN_S3_ADMIN_ACCESS_KEY are the same; the artifacts service "
            "needs a user of its own."
        )
        raise StartError(message)
    keys = {
        "access_key": settings.s3_admin_access_key,
        "secret_key": settings.s3_admin_secret_key,
    }
    return settings.s3, settings.s3.model_copy(update=keys)


async def _make_bucket(administrator: S3Settings) -> None:
    store = MinioStore(administrator)
    try:
        await store.ensure_bucket()
    finally:
        store.close()


def _make_user(user: S3Settings, administrator: S3Settings) -> None:
    scheme, _, host = administrator.endpoint.rstrip("/").partition("://")
    admin = MinioAdmin(
        endpoint=host,
        credentials=StaticProvider(administrator.access_key, administrator.secret_key),
        region=administrator.region,
        secure=scheme == "https",
        http_client=connections(administrator),
    )
    try:
        # Other S3 servers take the calls below for objects of a bucket `minio`. They have no object to read here.
        admin.policy_list()
        # A policy of the bucket's name: two Warrens on one server do not overwrite each other's.
        admin.policy_add(user.bucket, policy=dict(policy_of(user.bucket)))
        admin.user_add(user.access_key, user.secret_key)
        admin.policy_set(user.bucket, user=user.access_key)
    except MinioAdminException as error:
        raise _explained(error) from error


def _explained(error: MinioAdminException) -> Exception:
    status = error._code  # noqa: SLF001  # The SDK has no other way to tell it.
    if status in _AGAIN:
        return ConnectionError(f"The S3 server's administration API answers {status}.")
    return StartError(
        f"The S3 server's administration API answers {status}: {error._body.strip()} "  # noqa: SLF001
        "Are WARREN_S3_ADMIN_ACCESS_KEY and _SECRET_KEY an administrator's, and has the server MinIO's "
        "administration API? Otherwise leave both empty, and make the bucket and its user by the server's own means."
    )


_AGAIN = {
    str(each.value)
    for each in (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT)
}
