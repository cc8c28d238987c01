"""Purging: what was deleted long enough ago goes for good (``warren gc``)."""

from typing import Annotated, ClassVar

from pydantic import Field

from shared.contracts.message import Command, Int64, NullMeansEmpty, Query, Wire

Ids = Annotated[list[str], NullMeansEmpty()]


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
