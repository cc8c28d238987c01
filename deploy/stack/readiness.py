"""When the stack as a whole can serve."""

import asyncio
import socket
from collections.abc import Sequence
from http import HTTPStatus

import aiohttp

from shared.embedded.process import ProcessFailedError

_READY_SECONDS = 60.0
_PROBE = "/api/2.0/mlflow/experiments/get?experiment_id=0"
"""A read that passes through the gateway, the bus, a service and the database."""

_ANSWERS = {HTTPStatus.OK, HTTPStatus.UNAUTHORIZED}
"""A gateway that asks everybody for a token serves, too."""


def refuse_taken_port(host: str, port: int) -> None:
    """Notice another program on our port before the start.

    The gateways share their port among themselves, and so would with another Warren, unnoticed.
    """
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            message = f"{host}:{port} is not free ({error.strerror}); WARREN_PORT names another"
            raise ProcessFailedError(message) from error


async def until_ready(url: str, monitors: Sequence[str]) -> None:
    """Return when every process says that it is ready, and then a request is answered.

    The kernel deals connections to the gateways' common port out at random, so a request tells of
    one of them only; each process has a listener of its own that can be asked.
    """
    try:
        async with asyncio.timeout(_READY_SECONDS), aiohttp.ClientSession() as session:
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
