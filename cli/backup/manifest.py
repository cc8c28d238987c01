"""The manifest of a backup. It is written last, so only a complete backup has one."""

import json
import os
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ValidationError

from shared.contracts.errors import invalid

NAME = "manifest.json"


class Table(BaseModel):
    """A table in the text format of PostgreSQL's COPY, with its columns and its number of rows."""

    name: str
    columns: list[str]
    rows: int


class Schema(BaseModel):
    """A snapshot of a service's schema. ``migrations`` are pairs of component and version."""

    migrations: list[tuple[str, int]]
    tables: list[Table]


class Bucket(BaseModel):
    """The number of objects and their bytes. ``bucket.jsonl`` has a line for each object."""

    objects: int
    bytes: int


class Manifest(BaseModel):
    """The content of a backup."""

    format: Literal[1] = 1
    taken: str
    schemas: dict[str, Schema]
    bucket: Bucket

    def write(self, directory: Path) -> None:
        """Write the manifest atomically: after a crash it is complete or absent."""
        new = directory / f"{NAME}.new"
        with new.open("w", encoding="utf-8") as file:
            file.write(json.dumps(self.model_dump(), indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(directory / NAME)

    @classmethod
    def read(cls, directory: Path) -> "Manifest":
        """Return the manifest of a directory. Raises DomainError if there is none."""
        try:
            return cls.model_validate_json((directory / NAME).read_bytes())
        except (OSError, ValidationError) as error:
            message = f"{directory} holds no complete backup of a kind that this release knows."
            raise invalid(message) from error
