"""Orphans: artifacts of runs, logged models and traces that no longer exist. ``warren gc --sweep`` finds them.

A directory belongs to one of them if it is its default location: ``<project>/<experiment>/<run>/artifacts``,
``…/models/<model>/artifacts`` or ``…/traces/<trace>/artifacts``. Objects elsewhere are never orphans.
This service does not know what exists; the sender of these messages asks tracking and the traces service.
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

_OWNED = re.compile(
    r"(\d+/\d+/([0-9a-f]{32}|models/m-[0-9a-f]{32}|traces/(?:tr-)?[0-9a-f]{32})/artifacts)/"
)
"""A run's id is 32 hex digits; a logged model's has the prefix ``m-``, a trace's of MLflow 3 ``tr-``."""

_OF_TRACE = "traces/"

_AFTER_SLASH = "0"
"""The character after the slash in ASCII. A directory's name with it sorts after every key in the directory."""


async def list_stored_projects(_query: ListStoredProjects, context: StorageContext) -> ProjectIds:
    """List the projects that have a directory at the top of the bucket."""
    names = await context.store.directories()
    return ProjectIds(projects=sorted(int(name) for name in names if name.isdecimal()))


async def list_owned_directories(
    query: ListOwnedDirectories, context: StorageContext
) -> ListOwnedDirectoriesReply:
    """List the owned directories among the project's next keys."""
    keys = await context.store.keys(str(context.project), query.after)
    if not keys:
        return ListOwnedDirectoriesReply(directories=[])
    found = {match[1]: match[2] for key in keys if (match := _OWNED.match(key))}
    # The next page skips the remaining objects of this directory: there may be many.
    inside = _OWNED.match(keys[-1])
    last = f"{inside[1]}{_AFTER_SLASH}" if inside else keys[-1]
    return ListOwnedDirectoriesReply(
        directories=[
            OwnedDirectory(
                path=path,
                owner=owner.removeprefix("models/").removeprefix(_OF_TRACE),
                of_trace=owner.startswith(_OF_TRACE),
            )
            for path, owner in found.items()
        ],
        last=last,
    )


async def delete_orphans(cmd: DeleteOrphans, context: StorageContext) -> DeleteOrphansReply:
    """Delete the old objects of a directory whose run, logged model or trace no longer exists."""
    key = directory_key(cmd.path, context.project)
    if not _OWNED.fullmatch(f"{key}/"):
        raise invalid(f"{cmd.path} is not the directory of a run, a logged model or a trace.")
    before = datetime.now(UTC) - timedelta(milliseconds=cmd.older_than)
    swept = await context.store.sweep(key, before, kept=cmd.kept, dry_run=cmd.dry_run)
    return DeleteOrphansReply(objects=swept.objects, bytes=swept.bytes)


HANDLERS: Mapping[type[Message], Handler[StorageContext]] = {
    ListStoredProjects: list_stored_projects,
    ListOwnedDirectories: list_owned_directories,
    DeleteOrphans: delete_orphans,
}
