"""GitLab's REST API about users, groups, projects and tokens: its dialect, without words for its MLflow client."""

from services.gateway.dialects.gitlab import refuse_with
from services.gateway.dialects.gitlab_parameters import reader
from services.gateway.dialects.refusal import Refusal
from shared.contracts.errors import DomainError

__all__ = ["reader", "refuse"]


def refuse(error: DomainError) -> Refusal:
    """Return the error as GitLab would send it."""
    return refuse_with(error, "")
