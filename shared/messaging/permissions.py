"""What each party's account may do at the broker, derived from the topology.

A service that is new in the topology gets its rights by being there. An account writes to its party's
own exchanges, reads its own queues, and declares nothing but the queues that go with its connections.
RabbitMQ matches exchanges and queues with the same expressions, and looks for a match anywhere.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from shared.contracts.message import Kind
from shared.messaging import topology
from shared.messaging.topology import Layout, exchange_name, queue_name

PRIVATE = "[0-9a-f]{32}"
"""The end of the name of a queue that goes with a connection."""

NOTHING = "^$"


@dataclass(frozen=True, slots=True)
class Permissions:
    """Regular expressions of the resources that an account may declare, write to, and read."""

    configure: str
    write: str
    read: str


def private_queue(party: str, number: str) -> str:
    """Name a queue for replies or events that goes with its connection; the number is 32 hexadecimal digits."""
    return f"{party}.private.{number}"


def permissions(party: str, layout: Layout = topology.LAYOUT) -> Permissions:
    """Derive the rights of a party's account."""
    writes = [exchange_name(party, role) for role in layout.roles(party)]
    asked, heard = layout.asks.get(party, ()), layout.listeners.get(party, ())
    reads = [
        *(exchange_name(service, topology.REPLIES) for service in asked),
        *(exchange_name(service, topology.OUTBOX) for service in heard),
        *_queues(party, layout),
    ]
    private = [re.escape(private_queue(party, "")) + PRIVATE] if asked or heard else []
    # To bind a queue is to write to it, and to read what it is bound to.
    return Permissions(_any(private), _any(private, writes), _any(private, reads))


def _queues(party: str, layout: Layout) -> Sequence[str]:
    if party == topology.CLI:
        return [topology.dead_letter_queue(queue) for queue in topology.lasting_queues()]
    consumed = [queue_name(party, kind) for kind in get_args(Kind) if layout.askers(party)]
    return [*consumed, *([queue_name(party, "events")] if party in layout.subscriptions else ())]


def _any(patterns: Sequence[str], names: Sequence[str] = ()) -> str:
    either = [*patterns, *map(re.escape, names)]
    return f"^({'|'.join(either)})$" if either else NOTHING
