"""The reply of all endpoints that return one version."""

from services.registry.store import model_versions
from services.registry.store.model_versions import VersionKey
from services.registry.validation import version_not_found
from shared.postgres.transaction import Transaction


async def version_reply(tx: Transaction, name: str, key: VersionKey) -> bytes:
    """Return the reply with one version. Raises DomainError if the version was deleted meanwhile."""
    version = await model_versions.read(tx, [key])
    if not version:
        raise version_not_found(name, str(key[1]))
    return b'{"model_version":%b}' % version
