"""Purging: what was deleted long enough ago goes for good (``warren gc``), and orphans with it."""

from typing import Annotated, ClassVar

from pydantic import Field

from shared.contracts.message import Command, Int64, Query, Wire

Ids = list[str]
Paths = list[str]


class PurgeScope(Wire):
    """What to purge: what was deleted ``older_than`` milliseconds ago or earlier.

    Without any ids that is everything in the project; with some, only what they name. An
    experiment goes with all its runs and logged models.
    """

    older_than: Annotated[Int64, Field(ge=0)] = 0
    run_ids: Ids = Field(default_factory=list)
    experiment_ids: Ids = Field(default_factory=list)
    logged_model_ids: Ids = Field(default_factory=list)


class GetPurgePlan(Query, PurgeScope):
    """Count what a scope holds; refuse a scope that names what may not be purged."""

    service: ClassVar[str] = "tracking"


class PurgePlan(Wire):
    """How much there is; ``missing`` are ids of nothing, perhaps because they were purged before."""

    runs: int
    logged_models: int
    experiments: int
    missing: list[str] = Field(default_factory=list)


class PurgeDeleted(Command, PurgeScope):
    """Purge a bounded part of a scope, or of what an earlier command has begun.

    Whoever sends it sends it again until it answers ``finished``. What is purged is gone for
    clients at once; its rows go with the commands after that.
    """

    service: ClassVar[str] = "tracking"


class PurgeDeletedReply(Wire):
    """What one command has purged; ``finished`` if it found nothing to do."""

    runs: int = 0
    logged_models: int = 0
    experiments: int = 0
    rows: int = 0
    finished: bool = False


class ListProjects(Query):
    """List every project that has anything in the service's schema."""

    service: ClassVar[str] = "tracking"


class ListStoredProjects(Query):
    """List every project that has anything in the bucket."""

    service: ClassVar[str] = "artifacts"


class ProjectIds(Wire):
    """Numbers of projects, in order."""

    projects: list[int]


class FindOwners(Query):
    """Tell which of these runs and logged models there are in the project, deleted ones included.

    And which directories experiments keep artifacts in because clients chose them.
    """

    service: ClassVar[str] = "tracking"
    ids: Ids = Field(default_factory=list)


class FindOwnersReply(Wire):
    """Those that there are, and the paths of all ``chosen`` directories."""

    ids: list[str]
    chosen: Paths = Field(default_factory=list)


class ListOwnedDirectories(Query):
    """List a portion of the project's directories that a run or a logged model keeps artifacts in.

    ``after`` is the ``last`` of the portion before.
    """

    service: ClassVar[str] = "artifacts"
    after: str = ""


class OwnedDirectory(Wire):
    """A directory, and the id of the run or logged model whose artifacts should be in it."""

    path: str
    owner: str


class ListOwnedDirectoriesReply(Wire):
    """``last`` is where the next portion begins; empty if there is none."""

    directories: list[OwnedDirectory]
    last: str = ""


class DeleteOrphans(Command):
    """Delete what was stored in a directory ``older_than`` milliseconds ago or earlier.

    What is in a directory that is ``kept`` stays.
    """

    service: ClassVar[str] = "artifacts"
    path: str
    kept: Paths = Field(default_factory=list)
    older_than: Annotated[Int64, Field(ge=0)]
    dry_run: bool = False


class DeleteOrphansReply(Wire):
    """How many objects went, or would go, and their bytes."""

    objects: int
    bytes: int
