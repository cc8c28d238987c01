"""Sweeping: deletes artifacts in the bucket whose run, logged model or trace is not in the database.

``warren gc`` itself leaves no such artifacts. They arise from a database that was restored from an older backup, or
from an upload that ended after its run was purged.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from cli.client import Project
from cli.progress import Progress
from shared.contracts.purges import (
    DeleteOrphans,
    DeleteOrphansReply,
    FindOwners,
    FindOwnersReply,
    FindTraces,
    FindTracesReply,
    ListOwnedDirectories,
    ListOwnedDirectoriesReply,
    OwnedDirectory,
)
from shared.mlflow.artifact_paths import is_within


@dataclass(slots=True)
class Swept:
    """The sums of a sweep: directories, and the orphans with their objects and bytes."""

    directories: int = 0
    orphans: int = 0
    objects: int = 0
    bytes: int = 0

    def line(self) -> str:
        """Return the sums as one line."""
        return (
            f"{self.orphans} of {self.directories} directories have no owner; "
            f"{self.objects} objects of theirs, {self.bytes} bytes"
        )


async def sweep(project: Project, grace: int, progress: Progress, *, dry_run: bool) -> Swept:
    """Delete the project's orphans that are older than ``grace`` milliseconds. Raises DomainError."""
    done = Swept()
    verb = "To be swept" if dry_run else "Swept"
    async for directories in _portions(project):
        done.directories += len(directories)
        async for each, kept in _orphans(project, directories):
            command = DeleteOrphans(path=each.path, kept=kept, older_than=grace, dry_run=dry_run)
            deleted = await project.call(command, DeleteOrphansReply)
            done.orphans += 1
            done.objects += deleted.objects
            done.bytes += deleted.bytes
            progress.show(f"{verb} in project {project.number}: {done.line()}")
    progress.show(f"{verb} in project {project.number}: {done.line()}", last=True)
    return done


async def _portions(project: Project) -> AsyncIterator[Sequence[OwnedDirectory]]:
    after = ""
    while True:
        portion = await project.call(ListOwnedDirectories(after=after), ListOwnedDirectoriesReply)
        yield portion.directories
        after = portion.last
        if not after:
            return


async def _orphans(
    project: Project, directories: Sequence[OwnedDirectory]
) -> AsyncIterator[tuple[OwnedDirectory, list[str]]]:
    """Yield each orphaned directory, with the paths inside it that clients chose for experiments."""
    if not directories:
        return
    owners = FindOwners(ids=[each.owner for each in directories if not each.of_trace])
    found = await project.call(owners, FindOwnersReply)
    known = set(found.ids)
    if traces := [each.owner for each in directories if each.of_trace]:
        known |= set((await project.call(FindTraces(ids=traces), FindTracesReply)).ids)
    for each in directories:
        if each.owner not in known:
            yield each, [path for path in found.chosen if is_within(path, each.path)]
