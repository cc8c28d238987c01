"""Logged models: what other services than tracking read of them."""

from typing import ClassVar

from shared.contracts.message import Query, Required, Wire


class GetLoggedModel(Query):
    """Read one logged model."""

    service: ClassVar[str] = "tracking"
    model_id: Required


class LoggedModelInfo(Wire):
    """Where the artifacts of a logged model are, and the run that made it."""

    model_id: str
    artifact_uri: str
    source_run_id: str = ""


class LoggedModel(Wire):
    """A logged model."""

    info: LoggedModelInfo


class LoggedModelReply(Wire):
    """One logged model."""

    model: LoggedModel
