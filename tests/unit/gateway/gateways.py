"""Gateways that the tests of a module share, because building one costs more than most tests."""

from services.gateway.app import create_app
from services.gateway.artifacts.storage import Storage
from services.gateway.http.retry_after import RetryAfter
from services.gateway.http.server import serve

NEVER = 1_000_000
"""More invalid tokens than a module's tests send. The default's limit is tested in auth/test_failures.py."""


class SharedBus:
    """Passes each call on to the fake bus of the test that runs."""

    def __init__(self):
        self.current = None
        self._subscription = None

    @property
    def ready(self):
        return self.current.ready

    async def call(self, *arguments, **options):
        return await self.current.call(*arguments, **options)

    def subscribe(self, *subscription):
        self._subscription = subscription

    def enter(self, bus):
        """Take the bus of the next test, and let the gateway forget what it knows from the last one."""
        self.current = bus
        bus.subscribe(*self._subscription)
        _, _, on_missed = self._subscription
        on_missed()


class Gateways:
    """Running gateways by their settings. No test may stop one."""

    def __init__(self):
        self._running = {}

    async def enter(self, bus, settings, **storage):
        """Return a gateway that is as good as new. `storage` has arguments of Storage."""
        key = (settings.model_dump_json(), *sorted(storage.items()))
        if key not in self._running:
            self._running[key] = await self._start(settings, storage)
        shared, app, server = self._running[key]
        shared.enter(bus)
        app._retry_after = RetryAfter()
        return server

    async def close(self):
        for _, _, server in self._running.values():
            await server.close()

    async def _start(self, settings, storage):
        http = settings.http.model_copy(update={"auth_failure_burst": NEVER})
        own = settings.model_copy(update={"http": http})
        shared = SharedBus()
        app = create_app(shared, own, storage=Storage(**storage) if storage else None)
        return shared, app, await serve(app, own)
