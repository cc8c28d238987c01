"""Aliases, each a name for one version of a model: MLflow's ``registered-models/alias``."""

from typing import ClassVar

from shared.contracts.message import Command, Query, Required


class SetRegisteredModelAlias(Command):
    """Point an alias to a version, away from where it pointed before."""

    service: ClassVar[str] = "registry"
    name: Required
    alias: Required
    version: Required


class DeleteRegisteredModelAlias(Command):
    """Remove an alias, if it is there."""

    service: ClassVar[str] = "registry"
    name: Required
    alias: Required


class GetModelVersionByAlias(Query):
    """Read the version that an alias points to; ``latest`` always is the newest one."""

    service: ClassVar[str] = "registry"
    name: Required
    alias: Required
