"""Artifacts of runs and logged models that are no more: found by ``warren gc --sweep``, which asks whose they are.

A directory is somebody's if it is where a run or a logged model keeps its artifacts unless a client
chose another place: ``<project>/<experiment>/<run>/artifacts``, ``…/models/<model>/artifacts``. What
lies anywhere else is never an orphan.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from services.artifacts.handlers.context import StorageContext
from shared.contracts.errors import invalid
from shared.contracts.message import Message
from shared.contracts.purges import (
    DeleteOrphans,
    DeleteOrphansReply,
    ListOwnedDirectories,
    ListOwnedDirectoriesReply,
    ListStoredProjects,
    OwnedDirectory,
    ProjectIds,
)
from shared.handling.handlers import Handler
from shared.mlflow.artifact_paths import directory_key

_OWNED = re.compile(r"(\d+/\d+/([0-9a-f]{32}|models/m-[0-9a-f]{32})/artifacts)/")
"""A run's id is 32 hex digits, a logged model's has ``m-`` before them."""

_AFTER_SLASH = "0"
"""The character that follows the slash: greater than every key below a directory of that name."""


async def list_stored_projects(_query: ListStoredProjects, context: StorageContext) -> ProjectIds:
    """List the numbers at the top of the bucket."""
    names = await context.store.directories()
    return ProjectIds(projects=sorted(int(name) for name in names if name.isdecimal()))


async def list_owned_directories(
    query: ListOwnedDirectories, context: StorageContext
) -> ListOwnedDirectoriesReply:
    """List some directories of the project; a directory's other objects are passed over."""
    keys = await context.store.keys(str(context.project), query.after)
    if not keys:
        return ListOwnedDirectoriesReply(directories=[])
    found = {match[1]: match[2] for key in keys if (match := _OWNED.match(key))}
    inside = _OWNED.match(keys[-1])
    last = f"{inside[1]}{_AFTER_SLASH}" if inside else keys[-1]
    return ListOwnedDirectoriesReply(
        directories=[
            OwnedDirectory(path=path, owner=owner.removeprefix("models/"))
            for path, owner in found.items()
        ],
        last=last,
    )


async def delete_orphans(cmd: DeleteOrphans, context: StorageContext) -> DeleteOrphansReply:
    """Delete what is old enough of a directory that the sender has found to be nobody's."""
    key = directory_key(cmd.path, context.project)
    if not _OWNED.fullmatch(f"{key}/"):
        raise invalid(f"{cmd.path} is not the directory of a run or a logged model.")
    before = datetime.now(UTC) - timedelta(milliseconds=cmd.older_than)
    swept = await context.store.sweep(key, before, kept=cmd.kept, dry_run=cmd.dry_run)
    return DeleteOrphansReply(objects=swept.objects, bytes=swept.bytes)


HANDLERS: Mapping[type[Message], Handler[StorageContext]] = {
    ListStoredProjects: list_stored_projects,
    ListOwnedDirectories: list_owned_directories,
    DeleteOrphans: delete_orphans,
}
