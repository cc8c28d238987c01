"""Derives the permissions of each party's account at the broker from the topology.

A new service in the topology gets its permissions without a second list. An account writes to its party's
own exchanges, reads its own queues, and declares only the private queues of its connections. It may also look at the
queues that it sends to. That takes a permission by which it could bind such a queue to an exchange that it
may read, and so send it its own replies, but nothing of others.
RabbitMQ applies the same expressions to exchanges and queues, and accepts a match anywhere in a name.
So every expression here is anchored at both ends.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from shared.messaging import topology
from shared.messaging.topology import (
    SERVICE_QUEUES,
    Layout,
    QueueKind,
    exchange_name,
    queue_name,
)

PRIVATE = "[0-9a-f]{32}"
"""Matches the number at the end of a private queue's name."""

MARK = r"topology\.[0-9a-f]{16}"
"""Matches the name of each release's mark (``declarations.mark``)."""

NOTHING = "^$"
"""No permission: matches the empty name only."""


@dataclass(frozen=True, slots=True)
class Permissions:
    """Regular expressions for the resources that an account may declare, write to and read."""

    configure: str
    write: str
    read: str


def private_queue(party: str, number: str) -> str:
    """Return the name of a connection's private queue, for replies or events.

    The ``number`` has 32 hexadecimal digits.
    """
    return f"{party}.private.{number}"


def permissions(party: str, layout: Layout = topology.LAYOUT) -> Permissions:
    """Return the permissions of a party's account."""
    writes = [exchange_name(party, role) for role in layout.roles(party)]
    asked, listened = layout.asks.get(party, ()), layout.listeners.get(party, ())
    reads = [
        *(exchange_name(service, topology.REPLIES) for service in asked),
        *(exchange_name(service, topology.OUTBOX) for service in listened),
        *_queues(party, layout),
    ]
    private = [re.escape(private_queue(party, "")) + PRIVATE] if asked or listened else []
    # Since 4.2.6 RabbitMQ tells whether an exchange or queue exists only to an account with a permission for it. Each
    # process looks for the mark of the topology, and a sender for the consumers of the queues that it sends to.
    counted = [
        queue_name(service, kind) for service in asked for kind in topology.REQUEST_QUEUES.values()
    ]
    # Binding a queue takes the permission to write to the queue and to read the exchange.
    return Permissions(
        _any(private), _any(private, [*writes, *counted]), _any([*private, MARK], reads)
    )


def _queues(party: str, layout: Layout) -> Sequence[str]:
    if party == topology.CLI:
        return [topology.dead_letter_queue(queue) for queue in topology.persistent_queues()]
    consumed: list[QueueKind] = []
    if layout.askers(party):
        consumed += SERVICE_QUEUES
    if party in layout.subscriptions:
        consumed.append("events")
    return [queue_name(party, kind) for kind in consumed]


def _any(patterns: Sequence[str], names: Sequence[str] = ()) -> str:
    either = [*patterns, *map(re.escape, names)]
    return f"^({'|'.join(either)})$" if either else NOTHING
