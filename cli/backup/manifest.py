"""The file that makes a directory a backup: written last, read first."""

import json
import os
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ValidationError

from shared.contracts.errors import invalid

NAME = "manifest.json"


class Table(BaseModel):
    """A table in PostgreSQL's text format of COPY: these columns, so many rows."""

    name: str
    columns: list[str]
    rows: int


class Schema(BaseModel):
    """A service's schema as it was at one moment; ``migrations`` are component and version."""

    migrations: list[tuple[str, int]]
    tables: list[Table]


class Bucket(BaseModel):
    """How many objects and bytes there are; each is described by a line of ``bucket.jsonl``."""

    objects: int
    bytes: int


class Manifest(BaseModel):
    """What a backup holds."""

    format: Literal[1] = 1
    taken: str
    schemas: dict[str, Schema]
    bucket: Bucket

    def write(self, directory: Path) -> None:
        """Make the directory a backup, or leave it none."""
        new = directory / f"{NAME}.new"
        with new.open("w", encoding="utf-8") as file:
            file.write(json.dumps(self.model_dump(), indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(directory / NAME)

    @classmethod
    def read(cls, directory: Path) -> "Manifest":
        """Read what a backup holds. Raises DomainError where there is none."""
        try:
            return cls.model_validate_json((directory / NAME).read_bytes())
        except (OSError, ValidationError) as error:
            message = f"{directory} holds no complete backup of a kind that this release knows."
            raise invalid(message) from error
