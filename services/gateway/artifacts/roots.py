"""Where the artifacts lie that a request names by a run: a question to the service that knows it."""

from collections.abc import Awaitable, Callable, Mapping

from pydantic_core import from_json, to_json

from services.gateway.asking import Asker
from services.gateway.requests import with_parameters
from shared.contracts.runs import GetRun

FindRoot = Callable[[Mapping[str, str], Asker], Awaitable[str]]
"""From the fields of a query string to an ``artifact_uri``. Raises DomainError."""


async def root_of_run(fields: Mapping[str, str], asker: Asker) -> str:
    """Return the ``artifact_uri`` of the run that ``run_id`` (or ``run_uuid``) names."""
    return await _artifact_uri(to_json(dict(fields)), asker)


async def with_artifact_uri(payload: bytes, asker: Asker) -> bytes:
    """Put the ``artifact_uri`` of the run that a payload names among its fields."""
    return with_parameters(payload, {"artifact_uri": await _artifact_uri(payload, asker)})


async def _artifact_uri(payload: bytes, asker: Asker) -> str:
    """Ask tracking. The payload goes along as it is: of all its fields GetRun reads the run's id."""
    run = from_json(await asker.pass_on(GetRun, payload))["run"]
    uri: str = run["info"]["artifact_uri"]
    return uri
