"""A registry full of versions, the same for each peer that has a registry.

Models come in through the peer's API, with one version each; the others are written into its tables,
since `mlflow server` would take half an hour over them.
"""

import asyncpg

from tests.bench.operations import MODELS, VERSIONS_EACH
from tests.bench.peers import MLFLOW, WARREN, Peer
from tests.rest import api

_TABLES = {WARREN: "registry.model_versions", MLFLOW: "model_versions"}

_MULTIPLY = {
    WARREN: """
        WITH multiplied AS (
            INSERT INTO registry.model_versions (
                project_id, registered_model_id, version, creation_time, last_updated_time, stage,
                source, storage_location, run_id, run_link
            )
            SELECT
                project_id, registered_model_id, number, creation_time + number,
                last_updated_time + number, stage, source || number, storage_location || number,
                md5(registered_model_id::text || number), run_link
            FROM registry.model_versions
            CROSS JOIN generate_series(2, $1::integer) AS number
        )
        UPDATE registry.registered_models SET next_version = $1 + 1
    """,
    MLFLOW: """
        INSERT INTO model_versions (
            workspace, name, version, creation_time, last_updated_time, current_stage, source,
            storage_location, run_id, run_link, status
        )
        SELECT
            workspace, name, number, creation_time + number, last_updated_time + number,
            current_stage, source || number, storage_location || number, md5(name || number),
            run_link, status
        FROM model_versions
        CROSS JOIN generate_series(2, $1::integer) AS number
    """,
}


async def prepare_models(peer: Peer, dsn: str) -> None:
    """Make models with an alias and many versions; ``dsn`` is of the peer's database."""
    async with api(peer.url) as rest:
        for name in model_names():
            await rest.done("registered-models/create", {"name": name})
            version = {"name": name, "source": f"s3://models/{name}/"}
            await rest.done("model-versions/create", version)
            alias = {"name": name, "alias": "champion", "version": "1"}
            await rest.done("registered-models/alias", alias)
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(_MULTIPLY[peer.name], VERSIONS_EACH)
        await connection.execute(f"ANALYZE {_TABLES[peer.name]}")
    finally:
        await connection.close()


def model_names() -> list[str]:
    """Return the names of the models."""
    return [f"model-{number}" for number in range(MODELS)]
