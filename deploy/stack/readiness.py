"""When the stack as a whole can serve."""

import asyncio
import socket
from http import HTTPStatus

import aiohttp

from shared.embedded.process import ProcessFailedError

_READY_SECONDS = 60.0
_ANSWERS_PER_GATEWAY = 5
_PROBE = "/api/2.0/mlflow/experiments/get?experiment_id=0"
"""A read that passes through the gateway, the bus, a service and the database."""


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


async def until_ready(url: str, gateways: int) -> None:
    """Return when requests on new connections are answered.

    The kernel deals connections out to the gateways at random, so several in a row must succeed.
    """
    wanted = 1 if gateways == 1 else _ANSWERS_PER_GATEWAY * gateways
    in_a_row = 0
    try:
        async with asyncio.timeout(_READY_SECONDS):
            while in_a_row < wanted:
                if await _answers(url + _PROBE):
                    in_a_row += 1
                else:
                    in_a_row = 0
                    await asyncio.sleep(0.1)
    except TimeoutError as error:
        message = f"the services did not answer within {_READY_SECONDS:.0f} s; see their logs"
        raise ProcessFailedError(message) from error


async def _answers(url: str) -> bool:
    try:
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            return response.status == HTTPStatus.OK
    except aiohttp.ClientError:
        return False
