"""The check that the whole stack can serve."""

import asyncio
from collections.abc import Sequence
from http import HTTPStatus

import aiohttp

from deploy.local.embedded.process import ProcessFailedError
from deploy.local.stack.services import ServiceProcess
from shared.runtime.tasks import cancel_and_wait

_READY_SECONDS = 60.0
_PROBE = "/api/2.0/mlflow/experiments/get?experiment_id=0"
"""A read that needs the gateway, the bus, a service and the database."""

_ANSWERS = {HTTPStatus.OK, HTTPStatus.UNAUTHORIZED}
"""Statuses that mean success. In token mode an anonymous request gets 401."""


async def until_ready(url: str, processes: Sequence[ServiceProcess]) -> None:
    """Return when every process is ready and a request is answered. Raises ProcessFailedError.

    The gateways share one port, and the kernel assigns connections at random, so a request shows only one of them.
    Each process is asked on its own monitoring port instead. A process that ends raises the error with its reason.
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
    # The certificate is not checked: it names the clients' host, and its authority may be a private
    # one.
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
