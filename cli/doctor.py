"""``warren doctor``: check a running Warren, from the broker to the storage."""

import argparse
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import asdict, dataclass
from typing import Literal

import aio_pika
from aio_pika.abc import AbstractConnection

from cli.broker import bus_client, connected
from shared.contracts.diagnosis import Diagnose, Diagnosis
from shared.contracts.errors import DomainError
from shared.contracts.root_project import ROOT_PROJECT
from shared.messaging import topology
from shared.messaging.client import BusClient
from shared.messaging.messages import Envelope, new_id
from shared.runtime.clock import now
from shared.runtime.settings import ProcessSettings

DESCRIPTION = """\
Check the broker and its queues, and ask each service for its schema, its storage and its clock.

The exit code is 0 if nothing is wrong, else 1. A warning does not count. Artifacts without an owner are
not looked for; `warren gc --sweep --dry-run` finds them, and reads the whole bucket for that.
"""
OPTIONAL = ("access",)
"""Services that are checked only if their queues exist. A gateway with only anonymous clients does not need them."""

REQUIRED = tuple(name for name in topology.SERVICES if name not in OPTIONAL)

MANY_MESSAGES = 1_000
"""A queue gets a warning if more messages wait in it."""

MAX_CLOCK_DIFFERENCE = 1_000
"""Milliseconds. Two clocks that differ by more would misjudge deadlines."""

SECONDS_TO_ANSWER = 5.0


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check."""

    what: str
    state: Literal["ok", "warning", "wrong"]
    detail: str


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this command to the command line."""
    described = commands.add_parser(
        "doctor",
        help="find what is wrong",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    described.add_argument("--json", action="store_true", help="write one JSON object a line")
    described.set_defaults(run=run)


async def run(options: argparse.Namespace, settings: ProcessSettings) -> int:
    """Run all checks and print their findings. Raises DomainError if the broker is unreachable."""
    code = 0
    async with aclosing(_findings(settings)) as findings:
        async for finding in findings:
            if finding.state == "wrong":
                code = 1
            if options.json:
                print(json.dumps(asdict(finding)), flush=True)
            else:
                print(f"{finding.state:8} {finding.what}: {finding.detail}", flush=True)
    return code


async def _findings(settings: ProcessSettings) -> AsyncGenerator[Finding, None]:
    async with connected(settings) as connection:
        yield Finding("broker", "ok", _version(connection))
        services = [*REQUIRED, *[each for each in OPTIONAL if await _ran(connection, each)]]
        for service in services:
            for kind in topology.SERVICE_QUEUES:
                yield await _queue(connection, topology.queue_name(service, kind))
        for service in topology.SUBSCRIPTIONS:
            yield await _queue(connection, topology.queue_name(service, "events"))
        for queue in topology.persistent_queues():
            if dead := (await _counts(connection, topology.dead_letter_queue(queue)))[0]:
                detail = f"{dead} dead letters; see `warren dead-letters list --queue {queue}`"
                yield Finding(queue, "warning", detail)
    async with bus_client(settings, []) as bus:
        for service in services:
            async for finding in _service(bus, service):
                yield finding


def _version(connection: AbstractConnection) -> str:
    transport = connection.transport
    properties = transport.connection.server_properties if transport else {}
    return " ".join(_text(properties.get(name, "")) for name in ("product", "version"))


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


async def _counts(
    connection: AbstractConnection, queue: str
) -> tuple[int, int] | tuple[None, None]:
    """Return the numbers of a queue's waiting messages and consumers; None if the queue does not exist."""
    async with connection.channel() as channel:
        try:
            result = (await channel.declare_queue(queue, passive=True)).declaration_result
        except aio_pika.exceptions.ChannelNotFoundEntity:
            return None, None
        return result.message_count or 0, result.consumer_count or 0


async def _ran(connection: AbstractConnection, service: str) -> bool:
    waiting, _ = await _counts(connection, topology.queue_name(service, "queries"))
    return waiting is not None


async def _queue(connection: AbstractConnection, queue: str) -> Finding:
    waiting, consumers = await _counts(connection, queue)
    if waiting is None or not consumers:
        return Finding(queue, "wrong", f"it has no consumer; {waiting or 0} messages wait")
    state: Literal["ok", "warning"] = "warning" if waiting > MANY_MESSAGES else "ok"
    return Finding(queue, state, f"{waiting} messages wait for {consumers} processes")


async def _service(bus: BusClient, service: str) -> AsyncIterator[Finding]:
    began = now()
    envelope = Envelope(
        new_id(), Diagnose.__name__, ROOT_PROJECT, b"", time.time() + SECONDS_TO_ANSWER
    )
    try:
        answer = await bus.call(service, "queries", envelope)
        body = answer.checked()
    except DomainError as error:
        yield Finding(service, "wrong", error.message)
        return
    ended = now()
    diagnosis = Diagnosis.model_validate_json(body)
    yield Finding(service, "ok", f"answers within {ended - began} ms")
    for component, (applied, known) in diagnosis.schema_versions.items():
        what, detail = f"{service} schema", f"{component} is at {applied}, the code at {known}"
        yield Finding(what, "ok" if applied == known else "wrong", detail)
    for name, clock in diagnosis.clocks.items():
        # The clock was read between the request and the answer, so only a time outside that
        # interval is a difference.
        difference = max(began - clock, clock - ended, 0)
        state: Literal["ok", "wrong"] = "wrong" if difference > MAX_CLOCK_DIFFERENCE else "ok"
        yield Finding(f"{service} clock", state, f"{name} differs by {difference} ms from ours")
    for address, replica in diagnosis.replicas.items():
        lag = "" if replica.lag is None else f"; {replica.lag} bytes behind the primary"
        ready: Literal["ok", "warning"] = "ok" if replica.state == "ready" else "warning"
        yield Finding(f"{service} replica {address}", ready, f"{replica.state}{lag}")
