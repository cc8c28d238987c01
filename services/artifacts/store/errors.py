"""Translates errors of the S3 server and the network to the service's four exceptions."""

import structlog
from minio.error import S3Error

from services.artifacts.store.objects import (
    BadRequestError,
    NoSuchObjectError,
    NoSuchUploadError,
    StorageUnavailableError,
)

_MISSING = {"NoSuchKey", "NoSuchObject", "NoSuchVersion"}
_REFUSALS = {
    "EntityTooLarge": "The file is larger than the storage allows.",
    "EntityTooSmall": "A part is smaller than the storage allows; only the last may be short.",
    "InvalidArgument": "The storage does not accept a parameter.",
    "InvalidPart": "A part was not uploaded, or its ETag is not the one that the storage gave.",
    "InvalidPartOrder": "The parts must be listed in the order of their numbers.",
    "KeyTooLongError": "The path is longer than the storage allows.",
    "MalformedXML": "The storage does not accept the list of parts.",
}

_log = structlog.get_logger(__name__)


def translated(error: Exception) -> Exception:
    """Return the exception that the service raises instead of ``error``.

    An error is the operator's if nothing is missing and the client's request is valid: no connection, wrong
    credentials, no bucket, or a fault of the server. Such an error is logged, and a retry may succeed.
    """
    if isinstance(error, S3Error):
        if error.code in _MISSING:
            return NoSuchObjectError(error.message)
        if error.code == "NoSuchUpload":
            return NoSuchUploadError(error.message)
        if error.code in _REFUSALS:
            return BadRequestError(_REFUSALS[error.code])
    _log.error("storage_unavailable", error=repr(error))
    return StorageUnavailableError("The object storage can't serve the request now.")
