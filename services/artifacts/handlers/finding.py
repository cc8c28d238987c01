"""Under which of the keys that a path may have something is stored.

Almost every path has one key, so that nothing is asked. The others have had another one, before paths were brought
into the form in which clients ask for them (ADR 13), and what was stored then is still found by its path.
"""

from services.artifacts.handlers.context import StorageContext
from services.artifacts.store.objects import NoSuchObjectError
from shared.mlflow.artifact_paths import directory_keys, file_keys


async def find_file(path: str, context: StorageContext) -> str:
    """Return the key of a path's artifact, or the key that it would have. Raises DomainError."""
    key, *others = file_keys(path, context.project)
    for other in others:
        try:
            await context.store.size(key)
        except NoSuchObjectError:
            return other
    return key


async def find_directory(path: str, context: StorageContext) -> str:
    """Return the key of a path's directory, or the key that it would have. Raises DomainError."""
    key, *others = directory_keys(path, context.project)
    for other in others:
        if not (await context.store.page(key)).entries:
            return other
    return key
