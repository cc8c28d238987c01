"""The work of one OTLP request: reads its spans, has them stored, and links their traces to a run."""

from collections.abc import Iterable

from services.gateway.otlp.commands import Commands
from services.gateway.otlp.prices import Prices
from services.gateway.otlp.requests import Received
from services.gateway.otlp.spans import SpanRefusedError
from services.gateway.otlp.turns import Turns
from services.gateway.service_client import ServiceClient
from shared.contracts.errors import DomainError, invalid
from shared.contracts.traces import LinkTracesToRun
from shared.runtime.metrics import OTLP_SPANS

SHOWN_REASONS = 3
"""Different reasons for refused spans that one answer tells."""

LINKED_AT_ONCE = 100
"""Traces in one command that links them to a run (``link_traces_to_run`` in MLflow's stores)."""


_STORED, _REJECTED = OTLP_SPANS.labels("stored"), OTLP_SPANS.labels("rejected")


class Export:
    """Stores the spans of one request. Afterwards ``rejected`` counts those that were not stored."""

    def __init__(
        self,
        services: ServiceClient,
        prices: Prices,
        turns: Turns,
        experiment_id: str,
        run_id: str,
    ) -> None:
        self.rejected = 0
        self._prices = prices
        self._turns = turns
        self._services = services
        self._experiment_id = experiment_id
        self._run_id = run_id
        self._accepted = 0
        self._reasons: dict[str, None] = {}
        self._roots: dict[str, None] = {}

    @property
    def message(self) -> str:
        """Return why spans were rejected, or what else the client should know; empty if there is nothing."""
        return " ".join(self._reasons)

    async def run(self, received: Iterable[Received]) -> None:
        """Store all spans that can be stored; return when they are.

        Raises DomainError if the request can't be read, if all its spans are refused, or if some may not be stored:
        the client sends all of them again, and none is stored twice.
        """
        commands = Commands(self._services, self._experiment_id)
        try:
            for each in received:
                await self._add(each, commands)
            await commands.finish()
        finally:
            await commands.close()
        _STORED.inc(self._accepted)
        _REJECTED.inc(self.rejected)
        if self.rejected and not self._accepted:
            raise invalid(self.message)
        if self._run_id and self._roots:
            await self._link()

    async def _add(self, received: Received, commands: Commands) -> None:
        try:
            prepared = await self._turns.read(received, self._prices)
            await commands.add(prepared)
        except SpanRefusedError as refusal:
            self.rejected += 1
            self._warn(str(refusal))
            return
        self._accepted += 1
        if prepared.is_root:
            self._roots[prepared.trace_id] = None

    async def _link(self) -> None:
        """Link the traces whose root spans have come to the run. As in MLflow, a failure does not undo the spans."""
        traces = list(self._roots)
        for start in range(0, len(traces), LINKED_AT_ONCE):
            linked = traces[start : start + LINKED_AT_ONCE]
            try:
                await self._services.send(LinkTracesToRun(trace_ids=linked, run_id=self._run_id))
            except DomainError as error:
                self._warn(f"The spans are stored, but not linked to the run: {error.message}")

    def _warn(self, reason: str) -> None:
        if len(self._reasons) < SHOWN_REASONS:
            self._reasons[reason] = None
