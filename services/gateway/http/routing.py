"""Finds the handler of a path: first in a dictionary of fixed paths, then among templates with parameters.

Almost every request has a fixed path, so that the templates are rarely searched.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from typing import NamedTuple
from urllib.parse import unquote

from aiohttp.web import BaseRequest, StreamResponse

from services.gateway.http.measuring import Measure, measuring
from shared.tracing.hooks import OFF, Tracing

Parameters = Mapping[str, str]
"""The variable parts of a path, percent-decoded once, by name."""

Handler = Callable[[BaseRequest, Parameters], Awaitable[StreamResponse]]


class RouteHandler(NamedTuple):
    """The handler of a path and method, and the function that measures its answers."""

    handler: Handler
    measure: Measure


Methods = Mapping[str, RouteHandler]

NO_PARAMETERS: Parameters = {}
_SLASHES = re.compile("//+")
_VARIABLE = re.compile(r"\{(\w+)(:path)?\}")


def variables(template: str) -> list[str]:
    """Return the names of a path template's variable parts."""
    return [match[1] for match in _VARIABLE.finditer(template)]


def plain(template: str) -> str:
    """Return a path template in OpenAPI's form, with ``{name}`` instead of ``{name:path}``."""
    return _VARIABLE.sub(r"{\1}", template)


@dataclass(frozen=True, slots=True)
class Route:
    """The result of a search: the handlers of a path by method, and its variable parts."""

    methods: Methods
    parameters: Parameters


@dataclass(frozen=True, slots=True)
class _Template:
    """A path with variable parts and its handlers. ``loose`` also matches the path with repeated slashes."""

    pattern: re.Pattern[str]
    loose: re.Pattern[str]
    methods: dict[str, RouteHandler] = field(default_factory=dict)

    @classmethod
    def of(cls, path: str) -> "_Template":
        return cls(_compile(path), _compile(path, "/+"))

    def route(self, match: re.Match[str]) -> Route:
        return Route(
            self.methods, {name: unquote(value) for name, value in match.groupdict().items()}
        )


@dataclass(slots=True)
class RouteTable:
    """Handlers by path and method.

    A template's ``{name}`` matches one segment that is not empty. ``{name:path}`` at the end matches the
    rest of the path, with its slashes, and may be empty. Metrics and traces show ``prefix`` in front of each path.
    """

    prefix: str = ""
    tracing: Tracing = OFF
    fixed: dict[str, dict[str, RouteHandler]] = field(default_factory=dict)
    _templates: dict[str, "_Template"] = field(default_factory=dict)

    def add(self, method: str, path: str, handler: Handler) -> None:
        """Register a handler. The handler of GET answers HEAD as well."""
        methods = self._methods(path)
        route = plain(self.prefix + path)
        route_handler = RouteHandler(
            traced(handler, method, route, self.tracing), measuring(route, method)
        )
        methods[method] = route_handler
        if method == "GET":
            methods["HEAD"] = route_handler

    def find(self, path: str) -> Route | None:
        """Return the route of a path, for all methods.

        ``path`` is percent-encoded: a %2F inside a segment must not look like the segment's end.
        """
        methods = self.fixed.get(unquote(path))
        if methods is not None:
            return Route(methods, NO_PARAMETERS)
        for template in self._templates.values():
            if match := template.pattern.fullmatch(path):
                return template.route(match)
        return None

    def find_loosely(self, path: str) -> Route | None:
        """Return the same as ``find``, but count repeated slashes as one, except inside a ``{name:path}``."""
        methods = self.fixed.get(unquote(_SLASHES.sub("/", path)))
        if methods is not None:
            return Route(methods, NO_PARAMETERS)
        for template in self._templates.values():
            if match := template.loose.fullmatch(path):
                return template.route(match)
        return None

    def _methods(self, path: str) -> dict[str, RouteHandler]:
        if "{" not in path:
            return self.fixed.setdefault(path, {})
        return self._templates.setdefault(path, _Template.of(path)).methods


def traced(handler: Handler, method: str, route: str, tracing: Tracing) -> Handler:
    """Return a handler that traces each request as a span. If tracing is off, return the handler itself."""
    if not tracing.on:
        return handler

    async def handle(request: BaseRequest, parameters: Parameters) -> StreamResponse:
        work = partial(handler, request, parameters)
        return await tracing.request(method, route, request.headers, work, _status)

    return handle


def _status(response: StreamResponse) -> int:
    return response.status


@cache  # The tables of all applications in one process have the same paths.
def _compile(template: str, slash: str = "/") -> re.Pattern[str]:
    """Return the pattern of a template. ``slash`` is the pattern for each slash before a ``{name:path}``."""
    pattern, end = "", 0
    for match in _VARIABLE.finditer(template):
        before = template[end : match.start()]
        if match[2]:
            # The last slash before a ``{name:path}`` matches one slash alone: further slashes belong to the path.
            before, _, _ = before.rpartition("/")
            pattern += f"{_fixed(before, slash)}/(?P<{match[1]}>.*)"
        else:
            pattern += f"{_fixed(before, slash)}(?P<{match[1]}>[^/]+)"
        end = match.end()
    return re.compile(pattern + _fixed(template[end:], slash), re.DOTALL)


def _fixed(part: str, slash: str) -> str:
    return slash.join(re.escape(each) for each in part.split("/"))
