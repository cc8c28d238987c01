"""``warren dead-letters``: list, show, replay and drop messages that failed for good."""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from cli.broker import connected
from shared.contracts.errors import missing_resource
from shared.messaging.dead_letters import DeadLetter, HeldLetter, dead_letters, queues
from shared.runtime.settings import ProcessSettings

DESCRIPTION = """\
A dead letter is a command or an event that failed for good. It is kept with the reason.

list      print a line for each dead letter: id, time, queue, attempts, names, reason
show      print everything that is known of dead letters, with their contents
replay    send dead letters back to their service; repair the fault first
drop      delete dead letters

A replayed dead letter leaves the list as soon as the broker has accepted it. A command takes effect
once, however often it is replayed within a day. Its sender got an error long ago and may have sent
another command instead, so look at a command before you replay it.
"""


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this command to the command line."""
    described = commands.add_parser(
        "dead-letters",
        help="list, show, replay or drop messages that failed for good",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    acts = described.add_subparsers(required=True, metavar="list|show|replay|drop", dest="act")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--queue",
        choices=queues(),
        metavar="QUEUE",
        help="only of one queue, such as tracking.commands",
    )
    common.add_argument("--json", action="store_true", help="write one JSON object a line")
    listing = acts.add_parser(
        "list",
        parents=[common],
        help="print a line for each",
        description="Print a line for each dead letter.",
    )
    listing.set_defaults(ids=[], all=True)
    for name, help_ in (
        ("show", "print everything that is known of dead letters"),
        ("replay", "send dead letters back to their service"),
        ("drop", "delete dead letters"),
    ):
        description = f"{help_[0].upper()}{help_[1:]}."
        act = acts.add_parser(name, parents=[common], help=help_, description=description)
        chosen = act.add_mutually_exclusive_group(required=True)
        chosen.add_argument(
            "ids", nargs="*", default=[], metavar="ID", help="ids that `list` shows"
        )
        chosen.add_argument("--all", action="store_true", help="all dead letters")
    described.set_defaults(run=run)


async def run(options: argparse.Namespace, settings: ProcessSettings) -> int:
    """Run the command. Raises DomainError for an unknown id."""
    chosen = [options.queue] if options.queue else queues()
    missing = set(options.ids)
    acted = False
    async with connected(settings) as connection:
        for queue in chosen:
            async with dead_letters(connection, queue) as letters:
                async for held in letters:
                    if options.all or held.letter.id in options.ids:
                        missing.discard(held.letter.id)
                        await _act(held, options)
                        acted = True
    if missing:
        raise missing_resource(f"No dead letter has the id {', '.join(sorted(missing))}.")
    if not acted and not options.json:
        print(f"There are no dead letters{f' in {options.queue}' if options.queue else ''}.")
    return 0


async def _act(held: HeldLetter, options: argparse.Namespace) -> None:
    if options.act == "replay":
        await held.replay()
    elif options.act == "drop":
        await held.drop()
    if options.json:
        print(json.dumps(_object(held.letter)), flush=True)
    elif options.act == "show":
        print("\n".join(_page(held.letter)), flush=True)
    else:
        print(_line(held.letter), flush=True)


def _line(letter: DeadLetter) -> str:
    names = _summary(letter.names)
    return (
        f"{letter.id}  {_time(letter)}  {letter.queue}  {letter.attempts}  {names}  {letter.reason}"
    )


def _page(letter: DeadLetter) -> Iterator[str]:
    yield f"id        {letter.id}"
    yield f"queue     {letter.queue}"
    yield f"died      {_time(letter)}, after {letter.attempts} retries"
    yield f"reason    {letter.reason}"
    yield f"projects  {', '.join(map(str, letter.projects)) or 'unknown'}"
    for index, payload in enumerate(letter.payloads):
        name = letter.names[index] if index < len(letter.names) else "unreadable"
        request = letter.request_ids[index] if index < len(letter.request_ids) else ""
        yield f"message   {name}" + (f" (request {request})" if request else "")
        yield f"          {_text(payload)}"
    yield ""


def _object(letter: DeadLetter) -> dict[str, object]:
    return {
        **asdict(letter),
        "died": _time(letter),
        "payloads": [_text(payload) for payload in letter.payloads],
    }


def _summary(names: Sequence[str]) -> str:
    """Return each command name of a frame once, with its count: `LogBatch x 12, CreateRun`."""
    counts = {name: names.count(name) for name in names}
    named = (name if count == 1 else f"{name} x {count}" for name, count in counts.items())
    return ", ".join(named) or "unreadable"


def _time(letter: DeadLetter) -> str:
    if letter.died is None:
        return "unknown"
    return datetime.fromtimestamp(letter.died / 1000, UTC).isoformat(timespec="seconds")


def _text(payload: bytes) -> str:
    return payload.decode(errors="backslashreplace")
