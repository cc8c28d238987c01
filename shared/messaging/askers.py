"""Checks which messages a sender may send to a service. The exchange of a frame identifies its sender."""

from collections.abc import Sequence

import structlog

from shared.contracts.errors import DomainError, ErrorCode
from shared.messaging import topology
from shared.messaging.messages import Answer, Answers, Envelope

log = structlog.get_logger()


class Askers:
    """The limits of the senders to one service. The gateway has none; checking it costs one dictionary lookup."""

    def __init__(self, service: str, asks: topology.Asks = topology.ASKS) -> None:
        self._service = service
        self._limited = {
            topology.exchange_name(asker, topology.REQUESTS): frozenset(asked[service] or ())
            for asker, asked in asks.items()
            if asked.get(service) is not None
        }

    def refuse(self, exchange: str, envelopes: Sequence[Envelope]) -> Answers | None:
        """Return refusals for all messages if the sender may not send one of them; None if it may send all."""
        allowed = self._limited.get(exchange)
        if allowed is None or all(envelope.name in allowed for envelope in envelopes):
            return None
        asker = exchange.partition(".")[0]
        names = sorted({envelope.name for envelope in envelopes} - allowed)
        log.error("frame_not_permitted", asker=asker, names=names)
        message = f"{asker} may not ask {self._service} for {', '.join(names)}; topology.ASKS names what it may."
        refusal = Answer.refusal(DomainError(ErrorCode.PERMISSION_DENIED, message))
        return dict.fromkeys(range(len(envelopes)), refusal)
