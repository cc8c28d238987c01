"""Asks the services where the artifacts of a run, a logged model or a model version are."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from pydantic_core import from_json, to_json

from services.gateway.service_client import ServiceClient
from shared.contracts.artifacts import CreatePresignedUploadUrl
from shared.contracts.errors import DomainError, invalid, missing_resource
from shared.contracts.logged_models import GetLoggedModel
from shared.contracts.message import INT64_MAX
from shared.contracts.model_versions import GetModelVersionDownloadUri, GetVersionById
from shared.contracts.runs import GetRun, GetRunByIid
from shared.mlflow.artifact_paths import is_within, proxied_root

CANDIDATE = "candidate:"
"""GitLab's prefix of the ``owner`` of a run's package; a run's iid follows."""

_OWNER = re.compile(rf"(?P<candidate>{CANDIDATE})?(?P<number>[0-9]{{1,19}})")

FindRoot = Callable[[Mapping[str, str], ServiceClient], Awaitable[str]]
"""Returns the ``artifact_uri`` for the fields of a path and query string. Raises DomainError."""


async def root_of_run(fields: Mapping[str, str], services: ServiceClient) -> str:
    """Return the ``artifact_uri`` of the run that ``run_id`` (or ``run_uuid``) names."""
    return await _of_run(to_json(dict(fields)), services)


async def root_of_version(fields: Mapping[str, str], services: ServiceClient) -> str:
    """Return the ``artifact_uri`` of the model version that ``name`` and ``version`` name."""
    reply = from_json(await services.forward(GetModelVersionDownloadUri, to_json(dict(fields))))
    uri: str = reply["artifact_uri"]
    return uri


async def root_of_model(fields: Mapping[str, str], services: ServiceClient) -> str:
    """Return the ``artifact_uri`` of the logged model that ``model_id`` names."""
    return await _of_model(to_json({"model_id": fields["model_id"]}), services)


def is_run_package(fields: Mapping[str, str]) -> bool:
    """Return whether the package belongs to a run, and not to a version."""
    return fields["owner"].startswith(CANDIDATE)


@dataclass(frozen=True, slots=True)
class Package:
    """The location of a package's files. The files below ``published`` belong to the model version itself."""

    root: str
    published: str = ""

    def is_published(self, path: str) -> bool:
        """Return whether an artifact belongs to the version itself, and not only to its run."""
        try:
            return is_within(path, proxied_root(self.published))
        except DomainError:
            return False


async def find_package(fields: Mapping[str, str], services: ServiceClient) -> Package:
    """Return the package of ``owner``, which is ``candidate:<a run's iid>`` or a version's id.

    In GitLab a version is a run, so its files are that run's artifacts (``lib/api/ml_model_packages.rb``). The
    files of a version without a run are at the version's source.
    """
    found = _OWNER.fullmatch(fields["owner"])
    if found is None or int(found["number"]) > INT64_MAX:
        raise missing_resource(f"There is no model version or run '{fields['owner']}'.")
    number = int(found["number"])
    if found["candidate"]:
        uri: str = from_json(await services.send(GetRunByIid(iid=number)))["run"]["info"][
            "artifact_uri"
        ]
        return Package(uri)
    version = from_json(await services.send(GetVersionById(id=number)))["model_version"]
    published = await root_of_version({key: version[key] for key in ("name", "version")}, services)
    if run_id := version.get("run_id"):
        return Package(await root_of_run({"run_id": run_id}, services), published)
    return Package(published, published)


async def uri_of_run(payload: bytes, services: ServiceClient) -> Mapping[str, str]:
    """Return the ``artifact_uri`` of the run that a payload names, as a field."""
    return {"artifact_uri": await _of_run(payload, services)}


async def uri_of_model(payload: bytes, services: ServiceClient) -> Mapping[str, str]:
    """Return the ``artifact_uri`` of the logged model that a payload names, as a field."""
    return {"artifact_uri": await _of_model(payload, services)}


async def uri_of_run_or_model(payload: bytes, services: ServiceClient) -> Mapping[str, str]:
    """Return the ``artifact_uri`` of the run, or of the logged model, that a payload names, as a field.

    Raises DomainError if it names both, or none (``_create_presigned_upload_url`` in
    ``mlflow/server/handlers.py``).
    """
    owner = CreatePresignedUploadUrl.parse(payload)
    if bool(owner.run_id) == bool(owner.model_id):
        raise invalid("Exactly one of run_id and model_id must be provided.")
    find = uri_of_run if owner.run_id else uri_of_model
    return await find(payload, services)


async def _of_model(payload: bytes, services: ServiceClient) -> str:
    """Ask tracking for the logged model that a payload names. The payload is sent unchanged, as in ``_of_run``."""
    model = from_json(await services.forward(GetLoggedModel, payload))["model"]
    uri: str = model["info"]["artifact_uri"]
    return uri


async def _of_run(payload: bytes, services: ServiceClient) -> str:
    """Ask tracking for the run that a payload names. The payload is sent unchanged: GetRun reads the run's id only."""
    run = from_json(await services.forward(GetRun, payload))["run"]
    uri: str = run["info"]["artifact_uri"]
    return uri
