"""Object storage in a dictionary."""

import hashlib
from urllib.parse import urlencode

from services.artifacts.store.objects import (
    Entry,
    NoSuchObjectError,
    NoSuchUploadError,
    Page,
    Part,
    Signature,
    StorageUnavailableError,
    Sweep,
)
from shared.mlflow.artifact_paths import is_within


class FakeStore:
    """``objects`` by key; ``uploads`` by id: the key and the parts that were sent."""

    def __init__(self, page_entries=1000):
        self.objects = {}
        self.etags = {}
        self.uploads = {}
        self.away = False
        self.signatures = []
        self._page_entries = page_entries

    async def has_bucket(self):
        self._check()
        return True

    def presign(self, signature):
        self.signatures.append(signature)
        host = "public" if signature.public else "inner"
        return f"http://{host}/{signature.key}?{urlencode(signature.query)}"

    def presign_parts(self, key, upload_id, number, expires):
        return [
            self.presign(
                Signature(
                    "PUT",
                    key,
                    expires,
                    public=True,
                    query={"uploadId": upload_id, "partNumber": str(part)},
                )
            )
            for part in range(1, number + 1)
        ]

    async def size(self, key):
        self._check()
        if key not in self.objects:
            raise NoSuchObjectError(key)
        return len(self.objects[key])

    async def etag(self, key):
        self._check()
        if key not in self.etags:
            raise NoSuchObjectError(key)
        return self.etags[key]

    async def page(self, directory, token=""):
        self._check()
        prefix = f"{directory}/"
        names = {}
        for key, body in self.objects.items():
            if key.startswith(prefix):
                name, slash, _ = key.removeprefix(prefix).partition("/")
                names[name] = None if slash else len(body)
        after = sorted(name for name in names if name > token)
        entries = [Entry(name, names[name]) for name in after[: self._page_entries]]
        more = len(after) > len(entries)
        return Page(entries, entries[-1].name if more else "")

    async def directories(self):
        self._check()
        return sorted({key.partition("/")[0] for key in self.objects})

    async def keys(self, directory, after):
        self._check()
        below = (key for key in self.objects if key.startswith(f"{directory}/") and key > after)
        return sorted(below)[: self._page_entries]

    async def sweep(self, directory, _before, *, kept, dry_run):
        self._check()
        going = self._going(directory, kept)
        if not dry_run:
            await self.delete(directory, kept)
        return Sweep(len(going))

    async def delete(self, key, kept=()):
        self._check()
        for each in self._going(key, kept):
            del self.objects[each]

    def _going(self, directory, kept):
        return [
            key
            for key in self.objects
            if is_within(key, directory) and not any(is_within(key, each) for each in kept)
        ]

    async def begin_upload(self, key):
        self._check()
        upload_id = f"upload-{len(self.uploads)}"
        self.uploads[upload_id] = (key, {})
        return upload_id

    async def parts(self, key, upload_id):
        return [Part(n, _md5(body), len(body)) for n, body in self._upload(key, upload_id).items()]

    async def complete_upload(self, key, upload_id, parts):
        sent = self._upload(key, upload_id)
        self.objects[key] = b"".join(sent[part.number] for part in parts)
        together = b"".join(bytes.fromhex(part.etag) for part in parts)
        self.etags[key] = f"{_md5(together)}-{len(parts)}"
        del self.uploads[upload_id]

    async def abort_upload(self, key, upload_id):
        self._upload(key, upload_id)
        del self.uploads[upload_id]

    def send_part(self, upload_id, number, body):
        """Do what a client does with a part's URL, and return the ETag."""
        self.uploads[upload_id][1][number] = body
        return f'"{_md5(body)}"'

    def _upload(self, key, upload_id):
        self._check()
        if self.uploads.get(upload_id, ("",))[0] != key:
            raise NoSuchUploadError(upload_id)
        return self.uploads[upload_id][1]

    def _check(self):
        if self.away:
            raise StorageUnavailableError("The storage is away.")


def _md5(body):
    return hashlib.md5(body).hexdigest()
