"""Bytes that pass through are counted."""

from shared.runtime.metrics import REGISTRY

ROOT = "/api/2.0/mlflow-artifacts/artifacts/1/0/run/artifacts"


def passed(direction):
    return REGISTRY.get_sample_value("warren_artifact_bytes_total", {"direction": direction})


async def test_bytes_of_artifacts_are_counted_in_both_directions(client):
    before = passed("in"), passed("out")
    await client.put(f"{ROOT}/a", data=b"content")
    assert await (await client.get(f"{ROOT}/a")).read() == b"content"
    assert (passed("in") - before[0], passed("out") - before[1]) == (7, 7)
