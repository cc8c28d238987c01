"""``warren gc``: purge deleted data from the database and the bucket, as ``mlflow gc`` does."""

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from cli.broker import bus_client
from cli.client import Project
from cli.durations import milliseconds
from cli.expiry import expire_traces
from cli.progress import Progress
from cli.sweep import sweep
from cli.tables import add_json
from shared.contracts.access import LocateProject
from shared.contracts.access import Project as Located
from shared.contracts.errors import invalid
from shared.contracts.purges import (
    GetPurgePlan,
    ListProjectsWithData,
    ListStoredProjects,
    ProjectIds,
    PurgeDeleted,
    PurgeDeletedReply,
    PurgePlan,
    PurgeScope,
)
from shared.contracts.root_project import ROOT_PROJECT
from shared.messaging.client import BusClient
from shared.runtime.settings import ProcessSettings

DESCRIPTION = """\
Purge deleted runs, logged models and experiments: remove their rows from the database and their
artifacts from the bucket. A purge can't be undone.

--older-than   purges everything that was deleted that long ago, in every project
ids            purge the named runs, experiments or logged models of one project
neither        shows everything that is deleted and asks; --yes stands for the answer

An experiment is purged with all its runs and logged models. An interrupted command may be started
again: it continues where it stopped.

--expired-traces also deletes traces that were kept long enough (WARREN_TRACES_RETENTION, and the tags
of experiments). The traces service does that by itself, too, minute by minute.

--sweep also deletes artifacts whose run, logged model or trace is not in the database, as after the
restore of an older backup. It looks at the places where they keep their artifacts by default, and leaves
what was stored less than --grace ago.

Progress is written to standard error. With --json standard output has one object for each project,
one more for its expired traces, and one more for its sweep.
"""
EXAMPLES = """\
examples:
  warren gc --older-than 30d --dry-run
  warren gc --older-than 30d
  warren gc --experiment-ids 3,4
  warren gc --older-than 30d --sweep --dry-run
  warren gc --older-than 30d --expired-traces
  warren gc --run-ids 5f0c8a52f4d34d5e8f6f9c3b2a1d0e4f
"""
GRACE = "1d"


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this command to the command line."""
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
        metavar="DURATION",
        help="only what was deleted that long ago, as 30d or 2d8h5m20s (default: everything, see --yes)",
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
        metavar="ID|PATH",
        help=f"only this project (default: all; with ids {ROOT_PROJECT}, that of plain MLflow clients)",
    )
    described.add_argument(
        "--expired-traces",
        action="store_true",
        help="also delete traces that were kept long enough",
    )
    described.add_argument(
        "--sweep",
        action="store_true",
        help="also delete artifacts of runs, models and traces that do not exist",
    )
    described.add_argument(
        "--grace",
        type=milliseconds,
        default=GRACE,
        metavar="DURATION",
        help="sweep only what was stored that long ago (default: %(default)s)",
    )
    described.add_argument(
        "--dry-run", action="store_true", help="only print how much there is to purge"
    )
    described.add_argument(
        "--yes",
        action="store_true",
        help="purge everything that is deleted without asking",
    )
    add_json(described)
    described.set_defaults(run=run)


def _ids(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


async def run(options: argparse.Namespace, settings: ProcessSettings) -> int:
    """Run the command. Raises DomainError."""
    scope = PurgeScope(
        older_than=options.older_than or 0,
        run_ids=options.run_ids,
        experiment_ids=options.experiment_ids,
        logged_model_ids=options.logged_model_ids,
    )
    progress = Progress(terminal=sys.stderr.isatty())
    has_path = options.project is not None and not options.project.isdecimal()
    services = [
        "tracking",
        *(["artifacts"] if options.sweep else []),
        *(["traces"] if options.sweep or options.expired_traces else []),
        *(["access"] if has_path else []),
    ]
    async with bus_client(settings, services) as bus:
        only = await _only_project(bus, options.project)
        projects = [only] if only else await _projects(bus, scope)
        work = [(Project(bus, number), scope, progress) for number in projects]
        if _takes_everything(options, scope):
            for each in work:
                await collect(*each, dry_run=True)
            if not await asyncio.to_thread(_confirmed):
                return 1
        for each in work:
            purged = await collect(*each, dry_run=options.dry_run)
            _print(options, each[0], purged.counts())
        for number in projects if options.expired_traces else []:
            project = Project(bus, number)
            expired = await expire_traces(project, progress, dry_run=options.dry_run)
            _print(options, project, {"expired_traces": expired})
        stored = ([only] if only else await _stored_projects(bus)) if options.sweep else []
        for number in stored:
            project = Project(bus, number)
            swept = await sweep(project, options.grace, progress, dry_run=options.dry_run)
            _print(options, project, {"swept": asdict(swept)})
    return 0


def _print(options: argparse.Namespace, project: Project, counts: Mapping[str, object]) -> None:
    """Print a project's counts as JSON if that is asked for."""
    if options.json:
        line = {"project": project.number, "dry_run": options.dry_run, **counts}
        print(json.dumps(line), flush=True)


def _takes_everything(options: argparse.Namespace, scope: PurgeScope) -> bool:
    """Return whether the command would purge all deleted data although no option asks for that."""
    chosen = scope.run_ids or scope.experiment_ids or scope.logged_model_ids
    return not (options.dry_run or options.yes or chosen or options.older_than is not None)


def _confirmed() -> bool:
    """Ask for confirmation on the terminal. Raises DomainError if there is no terminal."""
    if not sys.stdin.isatty():
        raise invalid(
            "Nothing was purged. --yes purges all of this; --older-than 30d only what was deleted long ago."
        )
    sys.stderr.write("Purge all of this? It can't be restored. [y/N] ")
    sys.stderr.flush()
    confirmed = sys.stdin.readline().strip().lower() in {"y", "yes"}
    if not confirmed:
        sys.stderr.write("Nothing was purged.\n")
    return confirmed


async def _only_project(bus: BusClient, given: str | None) -> int | None:
    """Return the number of the project that an option names, None without it. Raises DomainError."""
    if given is None:
        return None
    if given.isdecimal() and given.isascii() and int(given) > 0:
        return int(given)
    return (await Project(bus, ROOT_PROJECT).call(LocateProject(path=given), Located)).id


async def _projects(bus: BusClient, scope: PurgeScope) -> list[int]:
    if scope.run_ids or scope.experiment_ids or scope.logged_model_ids:
        return [ROOT_PROJECT]
    return (await Project(bus, ROOT_PROJECT).call(ListProjectsWithData(), ProjectIds)).projects


async def _stored_projects(bus: BusClient) -> list[int]:
    return (await Project(bus, ROOT_PROJECT).call(ListStoredProjects(), ProjectIds)).projects


@dataclass(frozen=True, slots=True)
class Purged:
    """The plan of a project, and the sums of its purge; None after a dry run."""

    plan: PurgePlan
    done: PurgeDeletedReply | None

    def counts(self) -> Mapping[str, object]:
        """Return the numbers of purged things, or after a dry run of those to purge."""
        if self.done is None:
            return self.plan.model_dump()
        return {**self.done.model_dump(exclude={"finished"}), "missing": self.plan.missing}


async def collect(
    project: Project, scope: PurgeScope, progress: Progress, *, dry_run: bool = False
) -> Purged:
    """Purge a scope completely. Raises DomainError."""
    fields = scope.model_dump()
    plan = await project.call(GetPurgePlan(**fields), PurgePlan)
    for each in plan.missing:
        progress.show(f"Nothing has the id {each}; perhaps it was purged before.", last=True)
    done = PurgeDeletedReply()
    if dry_run:
        progress.show(f"To be purged in project {project.number}: {_line(done, plan)}", last=True)
        return Purged(plan, None)
    while not done.finished:
        portion = await project.call(PurgeDeleted(**fields), PurgeDeletedReply)
        done = PurgeDeletedReply(
            runs=done.runs + portion.runs,
            logged_models=done.logged_models + portion.logged_models,
            experiments=done.experiments + portion.experiments,
            rows=done.rows + portion.rows,
            finished=portion.finished,
        )
        progress.show(
            f"Purged in project {project.number}: {_line(done, plan)}", last=done.finished
        )
    return Purged(plan, done)


def _line(done: PurgeDeletedReply, plan: PurgePlan) -> str:
    return (
        f"runs {done.runs}/{plan.runs}, logged models {done.logged_models}/{plan.logged_models}, "
        f"experiments {done.experiments}/{plan.experiments}; {done.rows} rows of theirs"
    )
