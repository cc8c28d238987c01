"""Aliases: names for versions of a model (MLflow's ``registered-models/alias``)."""

from typing import ClassVar

from shared.contracts.message import Command, Query, Required


class SetRegisteredModelAlias(Command):
    """Point an alias to a version. An existing alias of this name is moved."""

    service: ClassVar[str] = "registry"
    name: Required
    alias: Required
    version: Required


class DeleteRegisteredModelAlias(Command):
    """Remove an alias, if it exists."""

    service: ClassVar[str] = "registry"
    name: Required
    alias: Required


class GetModelVersionByAlias(Query):
    """Return the version that an alias points to; ``latest`` is always the newest version."""

    service: ClassVar[str] = "registry"
    name: Required
    alias: Required
