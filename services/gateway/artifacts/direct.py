"""Refuses direct transfers between clients and the storage, unless the operator has allowed them.

After exactly these answers MLflow clients fall back to transfers through the gateway. For uploads they compare the
beginning of the message, for downloads the status (``http_artifact_repo.py`` and ``mlflow_artifacts_repo.py`` in
``mlflow/store/artifact``).
"""

from collections.abc import Mapping

from services.gateway.http.forward import FieldLookup
from services.gateway.service_client import ServiceClient
from shared.contracts.artifacts import (
    AbortMultipartUpload,
    CompleteMultipartUpload,
    CreateMultipartUpload,
    CreatePresignedDownloadUrl,
    CreatePresignedUploadUrl,
    GetPresignedDownloadUrl,
)
from shared.contracts.errors import DomainError, ErrorCode
from shared.contracts.message import Message

_WHY = "This server moves all artifacts itself; its operator may allow direct transfers (WARREN_DIRECT_ARTIFACTS)."

_UPLOAD = "Multipart upload is not supported for the current artifact repository."
_DOWNLOAD = "Multipart download is not supported for the current artifact repository."
_URLS = "Presigned URLs are not supported for proxied artifact storage."

_REFUSALS: Mapping[type[Message], tuple[ErrorCode, str]] = {
    CreateMultipartUpload: (ErrorCode.NOT_IMPLEMENTED, _UPLOAD),
    CompleteMultipartUpload: (ErrorCode.NOT_IMPLEMENTED, _UPLOAD),
    AbortMultipartUpload: (ErrorCode.NOT_IMPLEMENTED, _UPLOAD),
    GetPresignedDownloadUrl: (ErrorCode.NOT_IMPLEMENTED, _DOWNLOAD),
    CreatePresignedDownloadUrl: (ErrorCode.PERMISSION_DENIED, _URLS),
    CreatePresignedUploadUrl: (ErrorCode.PERMISSION_DENIED, _URLS),
}


def is_direct(contract: type[Message]) -> bool:
    """Return whether a message is about direct transfers."""
    return contract in _REFUSALS


def refuse_direct(contract: type[Message]) -> FieldLookup:
    """Return a look-up that refuses each request. Unauthorized callers are refused before it runs."""
    code, what = _REFUSALS[contract]

    async def refuse(_payload: bytes, _services: ServiceClient) -> Mapping[str, str]:
        raise DomainError(code, f"{what} {_WHY}")

    return refuse
