"""The setting that names the directory of MLflow's web UI."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

INDEX = "index.html"
"""The UI's page, at the top of its directory."""


def _built(path: Path) -> Path:
    if not (path / INDEX).is_file():
        message = f"{path} has no {INDEX}, so it does not hold MLflow's web UI"
        raise ValueError(message)
    return path


def _unset_if_empty(value: object) -> object:
    return None if value == "" else value


UiDirectory = Annotated[
    Annotated[Path, AfterValidator(_built)] | None, BeforeValidator(_unset_if_empty)
]
"""The path of the directory. An empty text is None."""
