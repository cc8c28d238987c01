"""Writes the bucket to files and back.

A key can't be a file's name: it may be longer than a file system allows, or equal a directory's name. So files are
numbered, and ``bucket.jsonl`` has one line per file.
"""

import hashlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TypeVar

from minio import Minio
from minio.error import S3Error
from pydantic import BaseModel

from cli.backup.manifest import Bucket
from services.artifacts.settings import S3Settings
from services.artifacts.store.minio import connect
from shared.contracts.errors import invalid

T = TypeVar("T")

INDEX = "bucket.jsonl"
FILES = "bucket"
_BATCH = 1000
_CHUNK = 1024 * 1024


class Stored(BaseModel):
    """A line of the index. The object's bytes are in the file with its ``number``."""

    number: int
    key: str
    size: int
    sha256: str
    content_type: str


def dump(settings: S3Settings, directory: Path) -> Bucket:
    """Write every object to a file. An object that is deleted meanwhile is left out."""
    client = connect(settings, settings.endpoint)
    keys = (each.object_name or "" for each in client.list_objects(settings.bucket, recursive=True))
    total = Bucket(objects=0, bytes=0)
    with ThreadPoolExecutor(settings.threads) as threads, (directory / INDEX).open("w") as index:
        for batch in _batches(enumerate(key for key in keys if not key.endswith("/"))):
            (directory / FILES / str(batch[0][0] // _BATCH)).mkdir(parents=True)
            for stored in threads.map(
                lambda each: _fetch(client, settings.bucket, directory, *each), batch
            ):
                if stored is not None:
                    index.write(stored.model_dump_json() + "\n")
                    total.objects += 1
                    total.bytes += stored.size
    return total


def load(settings: S3Settings, directory: Path, described: Bucket) -> None:
    """Upload every object of a backup. Existing objects of the backup are overwritten.

    An interrupted restore can thus be repeated. Raises DomainError if the bucket holds any other object, and if a
    file's digest is wrong.
    """
    client = connect(settings, settings.endpoint)
    _refuse_others(client, settings.bucket, {each.key for each in _index(directory)})
    count = 0
    with ThreadPoolExecutor(settings.threads) as threads:
        for batch in _batches(_index(directory)):
            count += sum(
                threads.map(lambda each: _store(client, settings.bucket, directory, each), batch)
            )
    if count != described.objects:
        raise invalid(f"{directory / INDEX} does not have the objects that the manifest names.")


def _refuse_others(client: Minio, bucket: str, own: set[str]) -> None:
    if not client.bucket_exists(bucket):
        client.make_bucket(bucket)
    for each in client.list_objects(bucket, recursive=True):
        name = each.object_name or ""
        if name not in own and not name.endswith("/"):
            message = (
                f"The bucket {bucket} holds {name}, which is not of this backup. A backup is "
                "restored into an empty bucket alone."
            )
            raise invalid(message)


def _fetch(client: Minio, bucket: str, directory: Path, number: int, key: str) -> Stored | None:
    try:
        answer = client.get_object(bucket, key)
    except S3Error as error:
        if error.code == "NoSuchKey":
            return None
        raise
    digest, size = hashlib.sha256(), 0
    try:
        with _file(directory, number).open("wb") as file:
            for chunk in answer.stream(_CHUNK):
                digest.update(chunk)
                size += file.write(chunk)
    finally:
        answer.close()
        answer.release_conn()
    return Stored(
        number=number,
        key=key,
        size=size,
        sha256=digest.hexdigest(),
        content_type=answer.headers.get("Content-Type") or "application/octet-stream",
    )


def _store(client: Minio, bucket: str, directory: Path, stored: Stored) -> int:
    path = _file(directory, stored.number)
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != stored.sha256:
            raise invalid(f"{path}, the object {stored.key}, is not what was written.")
    client.fput_object(bucket, stored.key, str(path), content_type=stored.content_type)
    return 1


def _index(directory: Path) -> Iterator[Stored]:
    with (directory / INDEX).open() as lines:
        for line in lines:
            yield Stored.model_validate_json(line)


def _file(directory: Path, number: int) -> Path:
    return directory / FILES / str(number // _BATCH) / str(number)


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, _BATCH)):
        yield batch
