"""Enumerations of MLflow's protos, read by name or by number as proto-JSON allows."""

from enum import StrEnum
from typing import Self


class _ProtoEnum(StrEnum):
    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        """Accept the field number, which is the position counted from 1."""
        members = list(cls)
        number = int(value) if isinstance(value, int | str) and str(value).isdecimal() else 0
        return members[number - 1] if 1 <= number <= len(members) else None


class ViewType(_ProtoEnum):
    """Which lifecycle stages a search returns."""

    ACTIVE_ONLY = "ACTIVE_ONLY"
    DELETED_ONLY = "DELETED_ONLY"
    ALL = "ALL"


class RunStatus(_ProtoEnum):
    """State of a run."""

    RUNNING = "RUNNING"
    SCHEDULED = "SCHEDULED"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"


class ModelStage(StrEnum):
    """Stage of a model version; on the wire a plain text, not an enumeration."""

    NONE = "None"
    STAGING = "Staging"
    PRODUCTION = "Production"
    ARCHIVED = "Archived"


class LoggedModelStatus(_ProtoEnum):
    """State of a logged model's artifacts. MLflow's number 0, unspecified, says nothing."""

    LOGGED_MODEL_PENDING = "LOGGED_MODEL_PENDING"
    LOGGED_MODEL_READY = "LOGGED_MODEL_READY"
    LOGGED_MODEL_UPLOAD_FAILED = "LOGGED_MODEL_UPLOAD_FAILED"
