"""Listings of one directory, and deletion."""

from collections.abc import Mapping

from services.artifacts.handlers.context import StorageContext
from services.artifacts.handlers.finding import find_directory
from services.artifacts.store.objects import Entry
from shared.contracts.artifacts import (
    DeleteArtifact,
    FileInfo,
    ListArtifacts,
    ListArtifactsReply,
    ListLoggedModelArtifacts,
    ListProxiedArtifacts,
    ListProxiedArtifactsReply,
)
from shared.contracts.errors import invalid
from shared.contracts.experiments import Empty
from shared.contracts.message import Message
from shared.handling.handlers import Handler
from shared.mlflow.artifact_paths import directory_key, directory_keys, join, proxied_root
from shared.mlflow.reserved_names import unescaped

LONGEST_LISTING = 50_000
"""Largest number of entries in a reply without pages. The reply must fit into one message of the bus."""


async def list_proxied_artifacts(
    query: ListProxiedArtifacts, context: StorageContext
) -> ListProxiedArtifactsReply:
    """List a whole directory, sorted by name.

    The root of all artifacts shows only the caller's project and the paths that clients chose in it.
    """
    at_top = not query.path.strip("/")
    key = await find_directory("" if at_top else query.path, context)
    entries = [Entry(str(context.project), None)] if at_top else []
    token = ""
    while True:
        page = await context.store.page(key, token)
        entries.extend(page.entries)
        token = page.next_token
        if not token:
            break
        if len(entries) >= LONGEST_LISTING:
            raise invalid(
                f"The directory has more than {LONGEST_LISTING} entries; "
                "artifacts/list reads it page by page."
            )
    entries.sort(key=lambda entry: unescaped(entry.name))
    return ListProxiedArtifactsReply(files=[_file_info(entry) for entry in entries])


async def list_artifacts(query: ListArtifacts, context: StorageContext) -> ListArtifactsReply:
    """List a page of a run's directory. As in MLflow, paths are relative to the run's root."""
    return await _page(query.artifact_uri, query.path, query.page_token, context)


async def list_logged_model_artifacts(
    query: ListLoggedModelArtifacts, context: StorageContext
) -> ListArtifactsReply:
    """List a page of a logged model's directory. Paths are relative to the model's root."""
    path = query.artifact_directory_path
    return await _page(query.artifact_uri, path, query.page_token, context)


async def _page(root: str, path: str, token: str, context: StorageContext) -> ListArtifactsReply:
    path = path.removesuffix("/")
    key = await find_directory(join(proxied_root(root), path), context)
    page = await context.store.page(key, token)
    return ListArtifactsReply(
        root_uri=root,
        files=[_file_info(entry, path) for entry in page.entries],
        next_page_token=page.next_token or None,
    )


async def delete_artifact(cmd: DeleteArtifact, context: StorageContext) -> Empty:
    """Delete a file or a directory. A whole project, or its root of chosen paths, can't be deleted."""
    for key in directory_keys(cmd.path, context.project):
        if "/" not in key or key == directory_key("", context.project):
            raise invalid("A project's artifacts can't be deleted all at once.")
        await context.store.delete(key)
    return Empty()


def _file_info(entry: Entry, directory: str = "") -> FileInfo:
    name = unescaped(entry.name)
    path = f"{directory}/{name}" if directory else name
    return FileInfo(path=path, is_dir=entry.size is None, file_size=entry.size)


HANDLERS: Mapping[type[Message], Handler[StorageContext]] = {
    ListProxiedArtifacts: list_proxied_artifacts,
    ListArtifacts: list_artifacts,
    ListLoggedModelArtifacts: list_logged_model_artifacts,
    DeleteArtifact: delete_artifact,
}
