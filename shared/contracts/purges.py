"""Purging (``warren gc``): the final deletion of what was marked as deleted, and of orphaned artifacts."""

from typing import Annotated, ClassVar

from pydantic import Field

from shared.contracts.message import Command, Int64, Query, Wire

Ids = list[str]
Paths = list[str]


class PurgeScope(Wire):
    """The entities to purge: those that were deleted ``older_than`` milliseconds ago or earlier.

    Without ids that is every such entity in the project; with ids, only the named ones. An experiment is purged with
    all its runs and logged models.
    """

    older_than: Annotated[Int64, Field(ge=0)] = 0
    run_ids: Ids = Field(default_factory=list)
    experiment_ids: Ids = Field(default_factory=list)
    logged_model_ids: Ids = Field(default_factory=list)


class GetPurgePlan(Query, PurgeScope):
    """Count the entities in a scope. It is refused if the scope names an entity that may not be purged."""

    service: ClassVar[str] = "tracking"


class PurgePlan(Wire):
    """The number of entities to purge; ``missing`` are ids that do not exist, perhaps purged earlier."""

    runs: int
    logged_models: int
    experiments: int
    missing: list[str] = Field(default_factory=list)


class PurgeDeleted(Command, PurgeScope):
    """Purge a bounded part of a scope, or continue an earlier purge.

    The sender repeats it until the reply says ``finished``. Purged entities are invisible to clients at once; later
    commands delete their rows.
    """

    service: ClassVar[str] = "tracking"


class PurgeDeletedReply(Wire):
    """The work of one command; ``finished`` if there was nothing left to do."""

    runs: int = 0
    logged_models: int = 0
    experiments: int = 0
    rows: int = 0
    finished: bool = False


class GetExpiryPlan(Query):
    """Count the traces of the project that are older than they are to be kept."""

    service: ClassVar[str] = "traces"


class ExpiryPlan(Wire):
    """The number of expired traces."""

    traces: int


class ExpireTraces(Command):
    """Delete a portion of the project's expired traces. The sender repeats it until the reply says ``finished``.

    The service does the same by itself; this does not wait for it.
    """

    service: ClassVar[str] = "traces"


class ExpireTracesReply(Wire):
    """The traces that one command has deleted; ``finished`` if there was nothing left to do."""

    traces: int = 0
    finished: bool = False


class ListProjectsWithData(Query):
    """List every project that has rows in the service's schema."""

    service: ClassVar[str] = "tracking"


class ListStoredProjects(Query):
    """List every project that has objects in the bucket."""

    service: ClassVar[str] = "artifacts"


class ProjectIds(Wire):
    """Numbers of projects, in ascending order."""

    projects: list[int]


class FindOwners(Query):
    """Return which of these runs and logged models exist in the project, deleted ones included.

    The reply also lists the directories that clients chose as artifact locations of experiments.
    """

    service: ClassVar[str] = "tracking"
    ids: Ids = Field(default_factory=list)


class FindOwnersReply(Wire):
    """The ids that exist, and the paths of all directories ``chosen`` by clients."""

    ids: list[str]
    chosen: Paths = Field(default_factory=list)


class FindTraces(Query):
    """Return which of these traces exist in the project."""

    service: ClassVar[str] = "traces"
    ids: Ids = Field(default_factory=list)


class FindTracesReply(Wire):
    """The ids that exist."""

    ids: list[str]


class ListOwnedDirectories(Query):
    """List the project's directories that hold artifacts of a run, a logged model or a trace, one page at a time.

    ``after`` is ``last`` of the previous page.
    """

    service: ClassVar[str] = "artifacts"
    after: str = ""


class OwnedDirectory(Wire):
    """A directory, and the id of the run, logged model or trace that its path belongs to."""

    path: str
    owner: str
    of_trace: bool = False


class ListOwnedDirectoriesReply(Wire):
    """``last`` is the position for the next page; empty after the last page."""

    directories: list[OwnedDirectory]
    last: str = ""


class DeleteOrphans(Command):
    """Delete the objects of a directory that were stored ``older_than`` milliseconds ago or earlier.

    Objects in a ``kept`` directory remain.
    """

    service: ClassVar[str] = "artifacts"
    path: str
    kept: Paths = Field(default_factory=list)
    older_than: Annotated[Int64, Field(ge=0)]
    dry_run: bool = False


class DeleteOrphansReply(Wire):
    """The number of objects that were deleted (in a dry run: would be deleted), and their bytes."""

    objects: int
    bytes: int
