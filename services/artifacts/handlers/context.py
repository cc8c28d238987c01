"""The context of the artifacts service's handlers."""

from dataclasses import dataclass
from datetime import timedelta

from services.artifacts.store.objects import ObjectStore
from shared.handling.context import Context


@dataclass(frozen=True, slots=True)
class UrlLifetimes:
    """Lifetimes of the URLs for clients: of whole objects, and of parts of uploads."""

    whole: timedelta = timedelta(minutes=15)
    parts: timedelta = timedelta(hours=1)


@dataclass(slots=True, kw_only=True)
class StorageContext(Context):
    """The context of a handler: the storage, and the largest file in bytes that an upload may make.

    Every command may run twice: this service has no inbox, so each handler is idempotent (ADR 10). Besides
    DomainError a handler may raise the store's errors.
    """

    store: ObjectStore
    max_artifact_bytes: int
    lifetimes: UrlLifetimes
