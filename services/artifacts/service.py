"""The artifacts service as one object, for its own process and for ``deploy.local.standalone``."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import structlog

from services.artifacts.handlers import HANDLERS
from services.artifacts.handlers.context import UrlLifetimes
from services.artifacts.processor import StorageProcessor
from services.artifacts.settings import S3Settings
from services.artifacts.store.minio import MinioStore
from services.artifacts.store.objects import StorageUnavailableError
from shared.messaging.transport import Transport
from shared.messaging.worker import Worker
from shared.runtime.health import Checks
from shared.runtime.tasks import cancel_and_wait
from shared.tracing.hooks import OFF, Tracing

log = structlog.get_logger()

NAME = "artifacts"
BUCKET_INTERVAL = 2.0
"""Seconds between two attempts to find or create the bucket."""


class ArtifactsService:
    """A running artifacts service. ``start`` creates it, ``close`` stops it."""

    def __init__(self, store: MinioStore, worker: Worker, bucket: "asyncio.Task[None]") -> None:
        self._store = store
        self._worker = worker
        self._bucket = bucket

    @classmethod
    async def start(
        cls,
        settings: S3Settings,
        max_artifact_bytes: int,
        transport: Transport,
        tracing: Tracing = OFF,
        open_store: Callable[[S3Settings, Tracing], MinioStore] = MinioStore,
    ) -> "ArtifactsService":
        """Find or create the bucket and start consuming.

        Unavailable storage does not keep the service from starting. Requests get status 503 until it is available.
        """
        store = open_store(settings, tracing)
        lifetimes = UrlLifetimes(
            timedelta(seconds=settings.url_seconds), timedelta(seconds=settings.part_url_seconds)
        )
        processor = StorageProcessor(store, HANDLERS, max_artifact_bytes, lifetimes)
        worker = Worker(transport, NAME, tracing.processor(processor, NAME))
        tried = asyncio.Event()
        bucket = asyncio.create_task(_ensure_bucket(store, tried), name="ensure-bucket")
        await tried.wait()
        await worker.start(tracing.events(processor, NAME))
        log.info("service_started", name=NAME)
        return cls(store, worker, bucket)

    @property
    def checks(self) -> Checks:
        """The servers that the service needs: their names, and how each is checked."""
        return {"bus": self._bus_ready, "storage": self._storage_ready}

    async def _bus_ready(self) -> bool:
        return self._worker.ready

    async def _storage_ready(self) -> bool:
        return self._bucket.done() and await self._store.has_bucket()

    async def close(self) -> None:
        """Finish the work in progress and stop."""
        await cancel_and_wait([self._bucket])
        # The worker uses the store until it has drained, so the store closes last.
        await self._worker.drain()
        self._store.close()
        log.info("service_stopped")


async def _ensure_bucket(store: MinioStore, tried: asyncio.Event) -> None:
    """Try until the bucket exists. ``tried`` is set after the first attempt, whether it succeeded or not."""
    while True:
        try:
            await store.ensure_bucket()
        except StorageUnavailableError:
            log.warning("bucket_missing")
        except Exception:
            log.exception("bucket_missing")
        else:
            return
        finally:
            tried.set()
        await asyncio.sleep(BUCKET_INTERVAL)
