"""Every message: what it may not do in another project, and without the storage."""

import json

import pytest

from services.artifacts.handlers import HANDLERS
from shared.contracts.errors import ErrorCode

RUN = "0" * 32


FOREIGN = f"8/0/{RUN}/artifacts"


REQUESTS = [
    ("PresignArtifact", {"method": "GET", "path": f"{FOREIGN}/a"}),
    ("PresignArtifact", {"method": "PUT", "path": f"{FOREIGN}/a"}),
    ("ListProxiedArtifacts", {"path": FOREIGN}),
    ("ListArtifacts", {"run_id": "r", "artifact_uri": f"mlflow-artifacts:/{FOREIGN}"}),
    (
        "ListLoggedModelArtifacts",
        {"model_id": "m", "artifact_uri": f"mlflow-artifacts:/{FOREIGN}"},
    ),
    ("DeleteArtifact", {"path": FOREIGN}),
    ("DeleteOrphans", {"path": FOREIGN, "older_than": 0}),
    ("CreateMultipartUpload", {"artifact_path": FOREIGN, "path": "a"}),
    (
        "CompleteMultipartUpload",
        {
            "artifact_path": FOREIGN,
            "path": "a",
            "upload_id": "u",
            "parts": [{"part_number": 1, "etag": "e"}],
        },
    ),
    ("AbortMultipartUpload", {"artifact_path": FOREIGN, "path": "a", "upload_id": "u"}),
    ("GetPresignedDownloadUrl", {"artifact_path": f"{FOREIGN}/a"}),
    (
        "CreatePresignedDownloadUrl",
        {"run_id": "r", "path": "a", "artifact_uri": f"mlflow-artifacts:/{FOREIGN}"},
    ),
    (
        "CreatePresignedUploadUrl",
        {"run_id": "r", "path": "a", "artifact_uri": f"mlflow-artifacts:/{FOREIGN}"},
    ),
]


OF_THE_BUCKET = {"Diagnose", "ListStoredProjects", "ListOwnedDirectories"}
"""They name no place: an operator's command asks, and no route leads to them."""


def test_every_message_is_tried_on_another_project():
    assert {name for name, _ in REQUESTS} | OF_THE_BUCKET == {
        contract.__name__ for contract in HANDLERS.single
    }


@pytest.mark.parametrize(("name", "fields"), REQUESTS)
async def test_another_projects_artifacts_are_as_if_absent(ask, store, name, fields):
    store.objects[f"{FOREIGN}/a"] = b"secret"
    store.uploads["u"] = (f"{FOREIGN}/a", {})
    assert await ask(name, **fields) == ErrorCode.RESOURCE_DOES_NOT_EXIST
    assert store.objects
    assert store.uploads
    assert not store.signatures


@pytest.mark.parametrize(("name", "fields"), REQUESTS)
async def test_storage_that_is_away_is_said_to_be(ask, store, name, fields):
    store.away = True
    own = json.loads(json.dumps(fields).replace(FOREIGN, f"7/0/{RUN}/artifacts"))
    answer = await ask(name, **own)
    signs_only = name in {"PresignArtifact", "CreatePresignedUploadUrl"}
    assert signs_only or answer == ErrorCode.TEMPORARILY_UNAVAILABLE
