"""Where the artifacts of a run or logged model lie: a question to the service that knows it."""

from collections.abc import Awaitable, Callable, Mapping

from pydantic_core import from_json, to_json

from services.gateway.asking import Asker
from services.gateway.forward import Completion
from services.gateway.requests import with_parameters
from shared.contracts.logged_models import GetLoggedModel
from shared.contracts.message import Message
from shared.contracts.runs import GetRun

FindRoot = Callable[[Mapping[str, str], Asker], Awaitable[str]]
"""From the fields of a path and query string to an ``artifact_uri``. Raises DomainError."""


async def root_of_run(fields: Mapping[str, str], asker: Asker) -> str:
    """Return the ``artifact_uri`` of the run that ``run_id`` (or ``run_uuid``) names."""
    return await _artifact_uri(GetRun, to_json(dict(fields)), asker)


async def root_of_model(fields: Mapping[str, str], asker: Asker) -> str:
    """Return the ``artifact_uri`` of the logged model that ``model_id`` names."""
    return await _artifact_uri(GetLoggedModel, to_json({"model_id": fields["model_id"]}), asker)


def with_artifact_uri(owner: type[Message]) -> Completion:
    """Put the ``artifact_uri`` of the run or logged model that a payload names among its fields."""

    async def complete(payload: bytes, asker: Asker) -> bytes:
        uri = await _artifact_uri(owner, payload, asker)
        return with_parameters(payload, {"artifact_uri": uri})

    return complete


async def _artifact_uri(owner: type[Message], payload: bytes, asker: Asker) -> str:
    """Ask tracking. The payload goes along as it is: the query only reads the fields that it knows."""
    (found,) = from_json(await asker.pass_on(owner, payload)).values()
    uri: str = found["info"]["artifact_uri"]
    return uri
