"""The dialect of GitLab's REST API about users, groups, projects and tokens.

It differs from ``gitlab`` in one point: a 401 has no note for GitLab's MLflow client.
"""

from services.gateway.dialects.gitlab import refuse_with
from services.gateway.dialects.gitlab_parameters import reader
from services.gateway.dialects.refusal import Refusal
from shared.contracts.errors import DomainError

__all__ = ["reader", "refuse"]


def refuse(error: DomainError) -> Refusal:
    """Return the error as GitLab would send it."""
    return refuse_with(error, "")
