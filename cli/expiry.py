"""Expiry on demand: ``warren gc --expired-traces`` deletes traces that were kept long enough."""

from cli.client import Project
from cli.progress import Progress
from shared.contracts.purges import ExpireTraces, ExpireTracesReply, ExpiryPlan, GetExpiryPlan


async def expire_traces(project: Project, progress: Progress, *, dry_run: bool) -> int:
    """Delete a project's expired traces, or count them. Returns how many. Raises DomainError."""
    planned = (await project.call(GetExpiryPlan(), ExpiryPlan)).traces
    if dry_run:
        progress.show(f"To expire in project {project.number}: {planned} traces", last=True)
        return planned
    deleted, finished = 0, False
    while not finished:
        portion = await project.call(ExpireTraces(), ExpireTracesReply)
        deleted, finished = deleted + portion.traces, portion.finished
        progress.show(
            f"Expired in project {project.number}: {deleted}/{planned} traces", last=finished
        )
    return deleted
