"""Measures requests by the route that they took: rate, errors and duration."""

from collections.abc import Callable
from time import perf_counter

from aiohttp.web import BaseRequest, StreamResponse
from prometheus_client import Histogram

from services.gateway.routing import Handler, Parameters, plain
from shared.metrics import HTTP_DURATION, HTTP_REJECTIONS

NO_ROUTE = "none"
"""Stands for whatever path or method leads nowhere: clients can think of any."""

_REJECTIONS = {status: HTTP_REJECTIONS.labels(status) for status in (429, 503)}


def measured(method: str, path: str, handler: Handler) -> Handler:
    """Wrap the handler of a route, which has a method and a path template."""
    count = observer(plain(path), method)

    async def handle(request: BaseRequest, parameters: Parameters) -> StreamResponse:
        began = perf_counter()
        try:
            response = await handler(request, parameters)
        except BaseException:
            count(0, perf_counter() - began)
            raise
        count(response.status, perf_counter() - began)
        return response

    return handle


def observer(route: str, method: str) -> Callable[[int, float], None]:
    """Return a function that counts an answer by its status, 0 for none, and its seconds."""
    children: dict[int, Histogram] = {}

    def count(status: int, seconds: float) -> None:
        child = children.get(status)
        if child is None:
            kind = f"{status // 100}xx" if status else "aborted"
            child = children[status] = HTTP_DURATION.labels(route, method, kind)
        child.observe(seconds)
        if status in _REJECTIONS:
            _REJECTIONS[status].inc()

    return count
