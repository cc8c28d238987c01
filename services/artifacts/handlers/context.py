"""What a handler of the artifacts service is given besides its message."""

from dataclasses import dataclass
from datetime import timedelta

from services.artifacts.store.objects import ObjectStore
from shared.handling.context import Context


@dataclass(frozen=True, slots=True)
class UrlLifetimes:
    """How long clients may use the URLs that they get."""

    whole: timedelta = timedelta(minutes=15)
    parts: timedelta = timedelta(hours=1)


@dataclass(slots=True, kw_only=True)
class StorageContext(Context):
    """The storage, and the largest file, in bytes, that may be made of parts.

    Every command may be carried out twice: this service has no inbox, so each handler makes the
    second time harmless (ADR 10). Besides DomainError a handler may raise what the store raises.
    """

    store: ObjectStore
    max_artifact_bytes: int
    lifetimes: UrlLifetimes
