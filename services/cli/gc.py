"""``warren gc``: purge what was deleted, as ``mlflow gc`` does, from the database and the bucket."""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from services.cli.broker import bus_client
from services.cli.durations import milliseconds
from shared.bus.messages import Answer, Envelope, Kind, new_id
from shared.contracts.message import Command, Message, Query, Wire
from shared.contracts.purges import (
    GetPurgePlan,
    PurgeDeleted,
    PurgeDeletedReply,
    PurgePlan,
    PurgeScope,
)
from shared.errors import DomainError
from shared.projects import ROOT_PROJECT
from shared.settings import ProcessSettings

DESCRIPTION = """\
Purge runs, logged models and experiments that were deleted: their rows from the database and
their artifacts from the bucket. What is purged can't be restored.

Without ids everything in the project goes that was deleted long enough ago; with ids only what
they name. An experiment goes with all its runs and logged models. Whoever interrupts this command
may start it again: it goes on from there.
"""
EXAMPLES = """\
examples:
  warren gc --older-than 30d --dry-run
  warren gc --older-than 30d
  warren gc --experiment-ids 3,4
  warren gc --run-ids 5f0c8a52f4d34d5e8f6f9c3b2a1d0e4f
"""
PATIENCE = 10
"""How often a portion is sent again when the service does not answer; each time after a pause."""

PAUSE = 2.0
SECONDS_PER_PORTION = 60.0
SECONDS_BETWEEN_LINES = 10.0

Reply = TypeVar("Reply", bound=Wire)


class Bus(Protocol):
    """What this command needs of the bus's client."""

    async def call(self, service: str, kind: Kind, envelope: Envelope) -> Answer:
        """Return the service's answer. Raises DomainError when there is none."""


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe this command."""
    described = commands.add_parser(
        "gc",
        help="purge what was deleted",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    described.add_argument(
        "--older-than",
        type=milliseconds,
        default=0,
        metavar="DURATION",
        help="only what was deleted so long ago, as 30d or 2d8h5m20s (default: everything)",
    )
    for name, noun in (
        ("--run-ids", "runs"),
        ("--experiment-ids", "experiments"),
        ("--logged-model-ids", "logged models"),
    ):
        described.add_argument(
            name,
            type=_ids,
            default=[],
            metavar="ID[,ID…]",
            help=f"these {noun}, which must be deleted",
        )
    described.add_argument(
        "--project",
        type=int,
        default=ROOT_PROJECT,
        help="the project's number (default: %(default)s, that of plain MLflow clients)",
    )
    described.add_argument(
        "--dry-run", action="store_true", help="only say how much there is to purge"
    )
    described.set_defaults(run=run)


def _ids(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


async def run(options: argparse.Namespace, settings: ProcessSettings) -> int:
    """Carry out the command. Raises DomainError."""
    scope = PurgeScope(
        older_than=options.older_than,
        run_ids=options.run_ids,
        experiment_ids=options.experiment_ids,
        logged_model_ids=options.logged_model_ids,
    )
    progress = Progress(terminal=sys.stderr.isatty())
    async with bus_client(settings, ["tracking"]) as bus:
        await collect(Tracking(bus, options.project), scope, progress, dry_run=options.dry_run)
    return 0


@dataclass(frozen=True, slots=True)
class Tracking:
    """The tracking service, for one project."""

    bus: Bus
    project: int

    async def ask(self, message: Query | Command, reply: type[Reply]) -> Reply:
        """Return the answer; ask again while there is none. Raises DomainError."""
        for attempt in range(PATIENCE + 1):
            try:
                answer = await self.bus.call(message.service, message.kind, self._envelope(message))
            except DomainError:
                # Whether the portion was purged or not: the next one goes on from there.
                if attempt == PATIENCE:
                    raise
                await asyncio.sleep(PAUSE)
                continue
            if answer.error is not None:
                raise DomainError(answer.error, answer.body.decode(errors="replace"))
            return reply.model_validate_json(answer.body)
        raise AssertionError  # The loop returns or raises.

    def _envelope(self, message: Message) -> Envelope:
        return Envelope(
            id=new_id(),
            name=type(message).__name__,
            project=self.project,
            payload=message.model_dump_json().encode(),
            deadline=time.time() + SECONDS_PER_PORTION,
        )


class Progress:
    """Says how far it is: on a terminal in one line, else in a line now and then."""

    def __init__(
        self, *, terminal: bool, write: Callable[[str], object] = sys.stderr.write
    ) -> None:
        self._terminal = terminal
        self._write = write
        self._next = 0.0

    def show(self, line: str, *, last: bool = False) -> None:
        """Show the line; one that is not the last may be left out."""
        if self._terminal:
            self._write(f"\r\x1b[K{line}" + ("\n" if last else ""))
        elif last or time.monotonic() >= self._next:
            self._next = time.monotonic() + SECONDS_BETWEEN_LINES
            self._write(f"{line}\n")


async def collect(
    tracking: Tracking, scope: PurgeScope, progress: Progress, *, dry_run: bool = False
) -> PurgeDeletedReply:
    """Purge a scope to its end and return the sums. Raises DomainError."""
    fields = scope.model_dump()
    plan = await tracking.ask(GetPurgePlan(**fields), PurgePlan)
    for each in plan.missing:
        progress.show(f"Nothing has the id {each}; perhaps it was purged before.", last=True)
    done = PurgeDeletedReply()
    if dry_run:
        progress.show(f"To be purged: {_line(done, plan)}", last=True)
        return done
    while not done.finished:
        portion = await tracking.ask(PurgeDeleted(**fields), PurgeDeletedReply)
        done = PurgeDeletedReply(
            runs=done.runs + portion.runs,
            logged_models=done.logged_models + portion.logged_models,
            experiments=done.experiments + portion.experiments,
            rows=done.rows + portion.rows,
            finished=portion.finished,
        )
        progress.show(f"Purged: {_line(done, plan)}", last=done.finished)
    return done


def _line(done: PurgeDeletedReply, plan: PurgePlan) -> str:
    return (
        f"runs {done.runs}/{plan.runs}, logged models {done.logged_models}/{plan.logged_models}, "
        f"experiments {done.experiments}/{plan.experiments}; {done.rows} rows of theirs"
    )
