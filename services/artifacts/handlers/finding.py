"""Finds the key under which a path's artifact is stored.

Almost every path has one key, and the storage is not asked. Other paths have had another key, before paths were
normalized to the form in which clients request them (ADR 13). Artifacts from that time are still found by their
path.
"""

from services.artifacts.handlers.context import StorageContext
from services.artifacts.store.objects import NoSuchObjectError
from shared.mlflow.artifact_paths import directory_keys, file_keys


async def find_file(path: str, context: StorageContext) -> str:
    """Return the key of a path's artifact. If nothing is stored, return one of its keys. Raises DomainError."""
    key, *others = file_keys(path, context.project)
    for other in others:
        try:
            await context.store.size(key)
        except NoSuchObjectError:
            return other
    return key


async def find_directory(path: str, context: StorageContext) -> str:
    """Return the key of a path's directory. If nothing is stored, return one of its keys. Raises DomainError."""
    key, *others = directory_keys(path, context.project)
    for other in others:
        if not (await context.store.page(key)).entries:
            return other
    return key
