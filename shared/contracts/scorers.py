"""Scorers: MLflow's ``scorers`` requests and replies. A scorer, also called a judge, rates traces.

A scorer belongs to an experiment and has a name in it. Registering it again makes its next version.
"""

from typing import Annotated, ClassVar

from pydantic import Field

from shared.contracts import limits
from shared.contracts.message import (
    AtMost,
    Command,
    ExperimentIds,
    Filter,
    Int32,
    Query,
    Required,
    Wire,
    Word,
)


class RegisterScorer(Command):
    """Register a scorer, or its next version. ``serialized_scorer`` is the JSON of ``Scorer.model_dump``."""

    service: ClassVar[str] = "traces"
    experiment_id: Required
    name: Required
    serialized_scorer: Annotated[str, Field(min_length=1, max_length=limits.SCORER_JSON)]


class ListScorers(Query):
    """Return the newest version of each scorer of an experiment, of some experiments, or of all.

    Experiments that are missing or deleted are left out, except that a single ``experiment_id`` must exist.
    """

    service: ClassVar[str] = "traces"
    experiment_id: Word = ""
    experiment_ids: ExperimentIds | None = None


class ListScorerVersions(Query):
    """Return all versions of a scorer, oldest first."""

    service: ClassVar[str] = "traces"
    experiment_id: Required
    name: Required


class GetScorer(Query):
    """Return a version of a scorer; the newest one if none is named."""

    service: ClassVar[str] = "traces"
    experiment_id: Required
    name: Required
    version: Int32 | None = None


class DeleteScorer(Command):
    """Delete a version of a scorer, or the scorer with all its versions if none is named."""

    service: ClassVar[str] = "traces"
    experiment_id: Required
    name: Required
    version: Int32 | None = None


class GetOnlineScoringConfigs(Query):
    """Return how scorers rate new traces. Scorers without a configuration are left out."""

    service: ClassVar[str] = "traces"
    scorer_ids: Annotated[list[Word], AtMost(limits.ENTITIES)]


class UpsertOnlineScoringConfig(Command):
    """Set how a scorer rates new traces: the fraction of them, and which."""

    service: ClassVar[str] = "traces"
    experiment_id: Required
    name: Required
    sample_rate: float
    filter_string: Filter | None = None


class RegisterScorerReply(Wire):
    """The version that was made; ``creation_time`` is in Unix milliseconds."""

    version: int
    scorer_id: str
    experiment_id: str
    name: str
    serialized_scorer: str
    creation_time: int


class Scorer(Wire):
    """A version of a scorer. In MLflow's message the experiment is a number."""

    experiment_id: int
    scorer_name: str
    scorer_version: int
    serialized_scorer: str
    creation_time: int
    scorer_id: str


class ScorerReply(Wire):
    """A version of a scorer."""

    scorer: Scorer


class ListScorersReply(Wire):
    """Versions of scorers."""

    scorers: list[Scorer]


class OnlineScoringConfig(Wire):
    """How a scorer rates new traces."""

    online_scoring_config_id: str
    scorer_id: str
    sample_rate: float
    experiment_id: str
    filter_string: str | None = None


class OnlineScoringConfigReply(Wire):
    """The configuration that was set."""

    config: OnlineScoringConfig


class OnlineScoringConfigsReply(Wire):
    """The configurations of some scorers."""

    configs: list[OnlineScoringConfig]
