"""Scorers: their versions, and the configurations by which they rate new traces."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from asyncpg import Record

from shared.postgres.queries import load_queries
from shared.postgres.transaction import Transaction

SQL = load_queries("services.traces.sql", "scorers")


@dataclass(frozen=True, slots=True)
class Room:
    """What there is already. Sizes are characters: of the newest versions of others, and of all versions of its own."""

    others: int
    size_of_others: int
    versions: int
    size: int


class Name(NamedTuple):
    """The key of a scorer."""

    experiment_id: int
    name: str


async def room(tx: Transaction, scorer: Name) -> Room:
    """Return what the scorers of an experiment take."""
    (row,) = await tx.rows(SQL["scorer_room"], tx.project, *scorer)
    return Room(**row)


async def register(
    tx: Transaction, scorer: Name, new_id: str, serialized: str, time: int
) -> Record:
    """Insert the next version of a scorer, or a new scorer; returns ``scorer_id`` and ``version``."""
    values = (*scorer, new_id, serialized, time)
    (row,) = await tx.rows(SQL["register_scorer"], tx.project, *values)
    return row


async def sizes(
    tx: Transaction, experiments: Sequence[int] | None, most: int
) -> list[tuple[int, int]]:
    """Return experiments that have scorers, and the characters of those; of all experiments without a list."""
    rows = await tx.rows(SQL["sizes_of_scorers"], tx.project, experiments, most)
    return [(row["experiment_id"], row["size"]) for row in rows]


async def newest(tx: Transaction, experiments: Sequence[int]) -> list[Record]:
    """Return the newest version of each scorer of some experiments, in the order of experiments and names."""
    return await tx.rows(SQL["list_scorers"], tx.project, experiments)


async def versions(tx: Transaction, scorer: Name) -> list[Record]:
    """Return all versions of a scorer."""
    return await tx.rows(SQL["list_scorer_versions"], tx.project, *scorer)


async def find(tx: Transaction, scorer: Name, version: int | None) -> Record | None:
    """Return a version of a scorer, or its newest one."""
    return await tx.row(SQL["find_scorer_version"], tx.project, *scorer, version)


async def lock(tx: Transaction, scorer: Name) -> str | None:
    """Lock a scorer and return its id."""
    found: str | None = await tx.value(SQL["lock_scorer"], tx.project, *scorer)
    return found


async def delete(tx: Transaction, scorer_id: str) -> None:
    """Delete a scorer with its versions."""
    await tx.execute(SQL["delete_scorer"], tx.project, scorer_id)


async def delete_version(tx: Transaction, scorer_id: str, version: int) -> int | None:
    """Delete a version of a locked scorer. Returns how many are left; None if there is no such version."""
    left: int | None = await tx.value(SQL["delete_scorer_version"], tx.project, scorer_id, version)
    return left


async def set_online_config(
    tx: Transaction, scorer: Name, config_id: str, sample_rate: float, filter_string: str | None
) -> Record | None:
    """Replace the configuration of a scorer; None if there is no such scorer."""
    values = (*scorer, config_id, sample_rate, filter_string)
    return await tx.row(SQL["set_online_config"], tx.project, *values)


async def online_configs(tx: Transaction, scorer_ids: Sequence[str]) -> list[Record]:
    """Return the configurations of those scorers that have one."""
    return await tx.rows(SQL["list_online_configs"], tx.project, list(scorer_ids))
