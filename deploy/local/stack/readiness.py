"""When the stack as a whole can serve."""

import asyncio
from collections.abc import Sequence
from http import HTTPStatus

import aiohttp

from deploy.local.embedded.process import ProcessFailedError
from deploy.local.stack.services import ServiceProcess
from shared.runtime.tasks import cancel_and_wait

_READY_SECONDS = 60.0
_PROBE = "/api/2.0/mlflow/experiments/get?experiment_id=0"
"""A read that passes through the gateway, the bus, a service and the database."""

_ANSWERS = {HTTPStatus.OK, HTTPStatus.UNAUTHORIZED}
"""A gateway that asks everybody for a token serves, too."""


async def until_ready(url: str, processes: Sequence[ServiceProcess]) -> None:
    """Return when every process says that it is ready, and then a request is answered.

    The kernel deals connections to the gateways' common port out at random, so a request tells of
    one of them only; each process has a listener of its own that can be asked. A process that ends
    instead tells why. Raises ProcessFailedError.
    """
    ends = [asyncio.create_task(_end_of(process)) for process in processes]
    answers = asyncio.create_task(_until_answered(url, [each.monitor for each in processes]))
    try:
        await asyncio.wait((answers, *ends), return_when=asyncio.FIRST_COMPLETED)
        for each in (*ends, answers):
            if each.done():
                each.result()
    finally:
        await cancel_and_wait([answers, *ends])


async def _end_of(process: ServiceProcess) -> None:
    await process.wait()
    raise ProcessFailedError(process.describe_failure())


async def _until_answered(url: str, monitors: Sequence[str]) -> None:
    # The certificate is for the name by which clients know us, and its authority may be a private one.
    connector = aiohttp.TCPConnector(ssl=False)
    try:
        async with (
            asyncio.timeout(_READY_SECONDS),
            aiohttp.ClientSession(connector=connector) as session,
        ):
            for each in (*(f"{monitor}/health/ready" for monitor in monitors), url + _PROBE):
                while not await _answers(session, each):
                    await asyncio.sleep(0.1)
    except TimeoutError as error:
        message = f"the services did not answer within {_READY_SECONDS:.0f} s; see their logs"
        raise ProcessFailedError(message) from error


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as response:
            return response.status in _ANSWERS
    except aiohttp.ClientError:
        return False
