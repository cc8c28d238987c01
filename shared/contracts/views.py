"""Enumerations of MLflow's protos. As in proto-JSON, values are names or numbers."""

from enum import StrEnum
from typing import Self


class _ProtoEnum(StrEnum):
    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        """Return the member with this field number: its position, counted from 1."""
        members = list(cls)
        number = int(value) if isinstance(value, int | str) and str(value).isdecimal() else 0
        return members[number - 1] if 1 <= number <= len(members) else None


class ViewType(_ProtoEnum):
    """The lifecycle stages that a search returns."""

    ACTIVE_ONLY = "ACTIVE_ONLY"
    DELETED_ONLY = "DELETED_ONLY"
    ALL = "ALL"


class RunStatus(_ProtoEnum):
    """The status of a run."""

    RUNNING = "RUNNING"
    SCHEDULED = "SCHEDULED"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"


class ModelStage(StrEnum):
    """The stage of a model version. In requests it is plain text, not a proto enumeration."""

    NONE = "None"
    STAGING = "Staging"
    PRODUCTION = "Production"
    ARCHIVED = "Archived"


class LoggedModelStatus(_ProtoEnum):
    """The status of a logged model's artifacts. MLflow's number 0, unspecified, means no status."""

    LOGGED_MODEL_PENDING = "LOGGED_MODEL_PENDING"
    LOGGED_MODEL_READY = "LOGGED_MODEL_READY"
    LOGGED_MODEL_UPLOAD_FAILED = "LOGGED_MODEL_UPLOAD_FAILED"
