"""Handlers that stream artifacts: MLflow's artifact proxy, the artifacts of its UI, and GitLab's packages."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp.web import BaseRequest, Response, StreamResponse

from services.gateway.artifacts.body import Body
from services.gateway.artifacts.download import send_artifact
from services.gateway.artifacts.roots import (
    FindRoot,
    find_package,
    is_run_package,
    root_of_run,
)
from services.gateway.artifacts.storage import Storage
from services.gateway.artifacts.trace_files import TRACE_DATA, find_trace
from services.gateway.artifacts.upload import Upload
from services.gateway.auth.callers import Mount
from services.gateway.auth.permissions import (
    READ_ARTIFACTS,
    READ_RUN_PACKAGE,
    READ_VERSION_PACKAGE,
    WRITE_ARTIFACTS,
    WRITE_RUN_PACKAGE,
    WRITE_VERSION_PACKAGE,
    Permission,
)
from services.gateway.http.forward import error_response
from services.gateway.http.requests import expect_nothing, read_request_id
from services.gateway.http.routing import Handler, Parameters
from services.gateway.http.streaming import stream
from services.gateway.service_client import ServiceClient
from services.gateway.settings import Settings
from services.gateway.span_pages import stored_spans
from shared.contracts.errors import invalid
from shared.messaging.calls import Bus
from shared.messaging.messages import new_id
from shared.mlflow.artifact_paths import check_new_path, proxied_root
from shared.mlflow.content_types import attachment
from shared.runtime import log_context

UI_BYTES = 10 * 1024**2
"""The largest upload of MLflow's UI: ``upload_artifact_handler`` in ``mlflow/server/handlers.py``."""

UI_TOO_LARGE = "Artifact size is too large. Max size is 10MB."

UI_NO_DATA = "Request must specify data."

PACKAGE_TOO_LARGE = "400 Bad request - Artifact file is too large"
"""GitLab's message, from ``lib/api/ml_model_packages.rb``."""

Work = Callable[[BaseRequest, Parameters, ServiceClient], Awaitable[StreamResponse]]


@dataclass(frozen=True, slots=True)
class Streams:
    """Makes the streaming handlers of one mount."""

    bus: Bus
    mount: Mount
    settings: Settings
    storage: Storage

    def get_artifact(self) -> Handler:
        """Return the handler of ``GET mlflow-artifacts/artifacts/<path>``."""

        async def work(
            request: BaseRequest, parameters: Parameters, services: ServiceClient
        ) -> StreamResponse:
            return await self._send(request, parameters["path"], services)

        return self._handler(READ_ARTIFACTS, work)

    def put_artifact(self) -> Handler:
        """Return the handler of ``PUT mlflow-artifacts/artifacts/<path>``."""
        limit = self.settings.max_artifact_bytes

        async def work(
            request: BaseRequest, parameters: Parameters, services: ServiceClient
        ) -> StreamResponse:
            upload = Upload(request, parameters["path"], services, self.storage, limit)
            await upload.receive(Body(request, limit, self.settings.http.stall_timeout))
            return _done(services)

        return self._handler(WRITE_ARTIFACTS, work)

    def get_artifact_of(self, find_root: FindRoot, name: str = "path") -> Handler:
        """Return the handler of ``GET /get-artifact`` and similar routes: a path below a root that is looked up.

        ``name`` is the name of the parameter that holds the path.
        """
        return self._handler(READ_ARTIFACTS, self._work_of(find_root, name))

    def _work_of(self, find_root: FindRoot, name: str) -> Work:

        async def work(
            request: BaseRequest, parameters: Parameters, services: ServiceClient
        ) -> StreamResponse:
            fields = {**request.query, **parameters}
            root = await find_root(fields, services)
            path = f"{proxied_root(root)}/{fields.get(name, '')}"
            return await self._send(request, path, services)

        return work

    def get_trace_artifact(self) -> Handler:
        """Return the handler of ``GET get-trace-artifact?request_id=…&path=…``, which MLflow's UI uses.

        Without ``path`` it returns the spans. They are kept by the traces service, or in a file that the client of
        the trace has uploaded. ``path`` is the id of an attachment.
        """

        async def work(
            request: BaseRequest, _: Parameters, services: ServiceClient
        ) -> StreamResponse:
            trace = await find_trace(request.query, services)
            if trace.file:
                return await self._send(request, trace.file, services)
            headers = {
                "Content-Disposition": attachment(TRACE_DATA),
                "Content-Type": "application/octet-stream",
                "X-Content-Type-Options": "nosniff",
                "X-Request-Id": services.request_id,
            }
            chunks = stored_spans(services, trace.trace_id)
            return await stream(request, chunks, headers, self.settings.http.stall_timeout)

        return self._handler(READ_ARTIFACTS, work)

    def get_package_file(self) -> Handler:
        """Return the handler of ``GET packages/ml_models/<owner>/files/<path>``: the same artifacts by GitLab's paths."""

        async def work(
            request: BaseRequest, parameters: Parameters, services: ServiceClient
        ) -> StreamResponse:
            path = await self._path_in_package(request, parameters, services, READ_RUN_PACKAGE)
            return await self._send(request, path, services)

        return self._package_handler(work, READ_RUN_PACKAGE, READ_VERSION_PACKAGE)

    def put_package_file(self) -> Handler:
        """Return the handler of ``PUT packages/ml_models/<owner>/files/<path>``."""
        limit = self.settings.max_artifact_bytes

        async def work(
            request: BaseRequest, parameters: Parameters, services: ServiceClient
        ) -> StreamResponse:
            body = Body(request, limit, self.settings.http.stall_timeout, PACKAGE_TOO_LARGE)
            path = await self._path_in_package(request, parameters, services, WRITE_RUN_PACKAGE)
            await Upload(request, path, services, self.storage, limit).receive(body)
            return _done(services, HTTPStatus.CREATED, b'{"message":"201 Created"}')

        return self._package_handler(work, WRITE_RUN_PACKAGE, WRITE_VERSION_PACKAGE)

    async def _path_in_package(
        self,
        request: BaseRequest,
        parameters: Parameters,
        services: ServiceClient,
        of_run: Permission,
    ) -> str:
        """Return the path of an artifact in a package. Raises AccessRefused.

        A version's package contains all artifacts of its run. Artifacts that are not the version's own require
        the permission for the run's artifacts. Which they are is known only after the version was looked up.
        """
        package = await find_package(parameters, services)
        path = f"{proxied_root(package.root)}/{parameters['path']}"
        if not is_run_package(parameters) and not package.is_published(path):
            await self.mount.authenticator_for(of_run)(request)
        return path

    def _package_handler(self, work: Work, of_run: Permission, of_version: Permission) -> Handler:
        """Return a handler whose permission depends on the package's owner, a run or a version."""
        run_handler, version_handler = self._handler(of_run, work), self._handler(of_version, work)

        async def handle(request: BaseRequest, parameters: Parameters) -> StreamResponse:
            handler = run_handler if is_run_package(parameters) else version_handler
            return await handler(request, parameters)

        return handle

    def upload_artifact(self) -> Handler:
        """Return the handler of ``POST upload-artifact?run_uuid=…&path=…``, which MLflow's UI uses to save files."""

        async def work(
            request: BaseRequest, _: Parameters, services: ServiceClient
        ) -> StreamResponse:
            run_id, path = _run_and_path(request.query)
            body = Body(request, UI_BYTES, self.settings.http.stall_timeout, UI_TOO_LARGE)
            if body.length == 0:
                raise invalid(UI_NO_DATA)
            root = await root_of_run({"run_id": run_id}, services)
            whole = f"{proxied_root(root)}/{path}"
            upload = Upload(request, whole, services, self.storage, UI_BYTES, UI_NO_DATA)
            await upload.receive(body)
            return _done(services)

        return self._handler(WRITE_ARTIFACTS, work)

    async def _send(
        self, request: BaseRequest, path: str, services: ServiceClient
    ) -> StreamResponse:
        stall_seconds = self.settings.http.stall_timeout
        return await send_artifact(request, path, services, self.storage, stall_seconds)

    def _handler(self, permission: Permission, work: Work) -> Handler:
        """Return a handler that authenticates the caller, runs ``work``, and turns errors into answers."""
        authenticate, dialect = self.mount.authenticator_for(permission), self.mount.dialect

        async def handle(request: BaseRequest, parameters: Parameters) -> StreamResponse:
            request_id = read_request_id(request.headers, new_id().hex)
            log_context.request_id.set(request_id)
            try:
                caller = await authenticate(request)
                services = ServiceClient(
                    self.bus, caller, dialect.name, request_id, self.settings.request_timeout
                )
                return await work(request, parameters, services)
            except Exception as error:
                response = error_response(error, request, request_id, dialect)
                if not request.content.is_eof():
                    _leave_unread(request, response)
                return response

        return handle


def _run_and_path(fields: Mapping[str, str]) -> tuple[str, str]:
    """Return the run's id and the artifact's path from a query string. Raises DomainError.

    As in MLflow's handler, a bad path is refused before the body is read and the run is looked up.
    """
    run_id = fields.get("run_uuid") or fields.get("run_id")
    if not run_id:
        message = "Request must specify run_uuid."
        raise invalid(message)
    path = fields.get("path")
    if not path:
        message = "Request must specify path."
        raise invalid(message)
    check_new_path(path)
    return run_id, path


def _leave_unread(request: BaseRequest, response: StreamResponse) -> None:
    """Close the connection after an answer that is sent before the end of the body.

    aiohttp goes on reading for some seconds, because a client that is still sending reads the answer only
    afterwards.
    """
    response.force_close()
    expect_nothing(request)


def _done(
    services: ServiceClient, status: HTTPStatus = HTTPStatus.OK, body: bytes = b"{}"
) -> Response:
    headers = {"Content-Type": "application/json", "X-Request-Id": services.request_id}
    return Response(status=status, body=body, headers=headers)
