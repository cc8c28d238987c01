"""The artifacts service on a fake store: what a message does, and what it may not do."""

import json
import time
from datetime import timedelta

import pytest

from services.artifacts.handlers import HANDLERS
from services.artifacts.handlers.context import UrlLifetimes
from services.artifacts.processor import StorageProcessor
from shared.contracts.errors import ErrorCode
from shared.messaging.messages import Envelope, Frame, new_id
from tests.unit.artifacts.fake_store import FakeStore

LIMIT = 100
URI = "mlflow-artifacts:/7/0/run/artifacts"
ROOT = "7/0/run/artifacts"


@pytest.fixture
def store():
    return FakeStore(page_entries=3)


@pytest.fixture
def processor(store):
    return StorageProcessor(store, HANDLERS, LIMIT)


def envelope(name, project=7, deadline=None, **fields):
    return Envelope(
        id=new_id(),
        name=name,
        project=project,
        payload=json.dumps(fields).encode(),
        deadline=time.time() + 10 if deadline is None else deadline,
    )


@pytest.fixture
def ask(processor):
    async def ask(name, **fields):
        answer = await processor.query(envelope(name, **fields))
        return answer.error or json.loads(answer.body)

    return ask


async def test_presigned_url_for_the_gateway_is_signed_for_the_inner_address(ask, store):
    reply = await ask("PresignArtifact", method="PUT", path=f"{ROOT}/a")
    assert reply == {"url": f"http://inner/{ROOT}/a?", "name": "a"}
    assert (store.signatures[0].method, store.signatures[0].public) == ("PUT", False)


async def test_presigned_part_names_its_upload(ask, store):
    await ask("PresignArtifact", method="PUT", path="7/a", upload_id="u", part_number=3)
    assert store.signatures[0].query == {"uploadId": "u", "partNumber": "3"}


@pytest.mark.parametrize("fields", [{"method": "DELETE"}, {"upload_id": "../x"}, {"upload_id": ""}])
async def test_nonsense_is_not_signed(ask, store, fields):
    code = await ask("PresignArtifact", **{"method": "PUT", "path": "7/a"} | fields)
    assert code == ErrorCode.INVALID_PARAMETER_VALUE
    assert not store.signatures


async def test_whole_directory_is_listed_over_pages_in_the_order_of_names(ask, store):
    for name in ("b", "a/x", "a/y", "d", "c", "e/z"):
        store.objects[f"{ROOT}/{name}"] = b"12"
    reply = await ask("ListProxiedArtifacts", path=ROOT)
    assert [(f["path"], f["is_dir"], f.get("file_size")) for f in reply["files"]] == [
        ("a", True, None),
        ("b", False, 2),
        ("c", False, 2),
        ("d", False, 2),
        ("e", True, None),
    ]


async def test_file_lists_nothing_and_so_does_what_is_not_there(ask, store):
    store.objects[f"{ROOT}/a"] = b""
    assert await ask("ListProxiedArtifacts", path=f"{ROOT}/a") == {"files": []}
    assert await ask("ListProxiedArtifacts", path=f"{ROOT}/b") == {"files": []}


async def test_root_shows_a_caller_their_own_project_and_chosen_paths_alone(ask, store):
    store.objects["8/secret"] = b""
    assert await ask("ListProxiedArtifacts", path="") == {"files": [{"path": "7", "is_dir": True}]}
    for key in ("8/~/secret", "7/~/models/a", "7/~/b"):
        store.objects[key] = b""
    listed = (await ask("ListProxiedArtifacts", path=""))["files"]
    assert [each["path"] for each in listed] == ["7", "b", "models"]
    assert (await ask("ListProxiedArtifacts", path="models"))["files"][0]["path"] == "a"


async def test_what_was_stored_under_a_path_as_it_was_sent_is_found_until_it_is_replaced(
    ask, store
):
    store.objects[f"{ROOT}/100%25/old"] = b"old"
    for reply in (
        await ask("PresignArtifact", method="GET", path=f"{ROOT}/100%25/old"),
        await ask("GetPresignedDownloadUrl", artifact_path=f"{ROOT}/100%25/old"),
    ):
        assert "100%25/old?" in reply["url"]
    assert (await ask("ListProxiedArtifacts", path=f"{ROOT}/100%25"))["files"][0]["path"] == "old"
    store.objects[f"{ROOT}/100%/old"] = b"new"
    assert (
        "100%/old?"
        in (await ask("PresignArtifact", method="GET", path=f"{ROOT}/100%25/old"))["url"]
    )
    assert await ask("DeleteArtifact", path=f"{ROOT}/100%25") == {}
    assert not store.objects


async def test_run_is_listed_page_by_page_with_paths_below_its_root(ask, store):
    for number in range(5):
        store.objects[f"{ROOT}/dir/{number}"] = b""
    first = await ask("ListArtifacts", run_id="r", path="dir", artifact_uri=URI)
    assert first["root_uri"] == URI
    assert [f["path"] for f in first["files"]] == ["dir/0", "dir/1", "dir/2"]
    token = first["next_page_token"]
    second = await ask("ListArtifacts", run_id="r", path="dir", artifact_uri=URI, page_token=token)
    assert [f["path"] for f in second["files"]] == ["dir/3", "dir/4"]
    assert "next_page_token" not in second


async def test_deletion_takes_a_file_or_a_directory_and_is_idempotent(ask, store):
    for name in ("dir/a", "dir/b/c", "dirty", "f"):
        store.objects[f"{ROOT}/{name}"] = b""
    assert await ask("DeleteArtifact", path=f"{ROOT}/dir/") == {}
    assert await ask("DeleteArtifact", path=f"{ROOT}/dir") == {}
    assert await ask("DeleteArtifact", path=f"{ROOT}/f") == {}
    assert set(store.objects) == {f"{ROOT}/dirty"}


async def test_project_is_not_deleted(ask, store):
    store.objects["7/0/a"] = b""
    for path in ("7", "7/", "", "/", "7/~"):
        assert await ask("DeleteArtifact", path=path) == ErrorCode.INVALID_PARAMETER_VALUE
    assert store.objects


async def create(ask, **fields):
    named = {"artifact_path": ROOT, "path": "/home/me/big.bin"}
    return await ask("CreateMultipartUpload", **named, **fields)


async def test_upload_in_parts_becomes_one_object(ask, store):
    reply = await create(ask, num_parts=2)
    assert [c["part_number"] for c in reply["credentials"]] == [1, 2]
    assert all(c["url"].startswith(f"http://public/{ROOT}/big.bin?") for c in reply["credentials"])
    upload_id = reply["upload_id"]
    parts = [
        {"part_number": number, "etag": store.send_part(upload_id, number, body)}
        for number, body in ((1, b"one"), (2, b"two"))
    ]
    done = {"artifact_path": ROOT, "path": "big.bin", "upload_id": upload_id, "parts": parts}
    assert await ask("CompleteMultipartUpload", **done) == {}
    assert store.objects == {f"{ROOT}/big.bin": b"onetwo"}
    # The answer was lost and the client asks again.
    assert await ask("CompleteMultipartUpload", **done) == {}


async def test_unknown_upload_is_not_completed(ask, store):
    parts = [{"part_number": 1, "etag": "0" * 32}]
    named = {"artifact_path": ROOT, "path": "big.bin", "upload_id": "nothing", "parts": parts}
    assert await ask("CompleteMultipartUpload", **named) == ErrorCode.RESOURCE_DOES_NOT_EXIST


async def test_upload_of_another_path_is_out_of_reach(ask, store):
    reply = await create(ask)
    etag = store.send_part(reply["upload_id"], 1, b"x")
    named = {"artifact_path": f"{ROOT}/other", "path": "x", "upload_id": reply["upload_id"]}
    parts = [{"part_number": 1, "etag": etag}]
    code = await ask("CompleteMultipartUpload", **named, parts=parts)
    assert code == ErrorCode.RESOURCE_DOES_NOT_EXIST


async def test_too_large_an_upload_is_refused_and_forgotten(ask, store):
    upload_id = (await create(ask))["upload_id"]
    etag = store.send_part(upload_id, 1, b"x" * (LIMIT + 1))
    named = {"artifact_path": ROOT, "path": "big.bin", "upload_id": upload_id}
    parts = [{"part_number": 1, "etag": etag}]
    code = await ask("CompleteMultipartUpload", **named, parts=parts)
    assert code == ErrorCode.INVALID_PARAMETER_VALUE
    assert not store.uploads
    assert not store.objects


@pytest.mark.parametrize("upload_id", [".", "..", "...", "a/b", "", "a" * 1025])
@pytest.mark.parametrize("name", ["CompleteMultipartUpload", "AbortMultipartUpload"])
async def test_text_that_is_no_upload_id_is_refused(ask, name, upload_id):
    named = {"artifact_path": ROOT, "path": "a", "upload_id": upload_id}
    parts = [{"part_number": 1, "etag": "e"}]
    assert await ask(name, **named, parts=parts) == ErrorCode.INVALID_PARAMETER_VALUE


async def test_aborting_twice_is_fine(ask, store):
    named = {"artifact_path": ROOT, "path": "big.bin"}
    named["upload_id"] = (await create(ask))["upload_id"]
    assert await ask("AbortMultipartUpload", **named) == {}
    assert await ask("AbortMultipartUpload", **named) == {}
    assert not store.uploads


@pytest.mark.parametrize(
    ("local", "name"),
    [("a.bin", "a.bin"), ("/tmp/a b.bin", "a b.bin"), (r"C:\data\a.bin", "a.bin"), ("C:x", "c:x")],
)
async def test_name_is_the_last_part_of_the_clients_path(ask, store, local, name):
    await ask("CreateMultipartUpload", artifact_path=f"{ROOT}/d", path=local)
    assert store.signatures[0].key == f"{ROOT}/d/{name}"


@pytest.mark.parametrize("local", ["dir/", "..", "/", r"dir\a.bin"])
async def test_clients_path_without_a_usable_name_is_refused(ask, store, local):
    code = await ask("CreateMultipartUpload", artifact_path=ROOT, path=local)
    assert code == ErrorCode.INVALID_PARAMETER_VALUE
    assert not store.uploads


@pytest.mark.parametrize("number", [0, -1, 10_001])
async def test_number_of_parts_is_bounded(ask, store, number):
    assert await create(ask, num_parts=number) == ErrorCode.INVALID_PARAMETER_VALUE


async def test_download_url_is_public_tells_the_size_and_saves_under_the_name(ask, store):
    store.objects[f"{ROOT}/a b"] = b"123"
    reply = await ask("GetPresignedDownloadUrl", artifact_path=f"{ROOT}/a b")
    assert (reply["file_size"], reply["headers"]) == (3, {})
    assert reply["url"].startswith("http://public/")
    disposition = {"response-content-disposition": 'attachment; filename="a b"'}
    assert store.signatures[0].query == disposition


async def test_there_is_no_download_url_of_nothing(ask):
    code = await ask("GetPresignedDownloadUrl", artifact_path=f"{ROOT}/a")
    assert code == ErrorCode.RESOURCE_DOES_NOT_EXIST


async def test_urls_of_a_run(ask, store):
    store.objects[f"{ROOT}/a"] = b"123"
    named = {"run_id": "r", "path": "a", "artifact_uri": URI}
    down = await ask("CreatePresignedDownloadUrl", **named, expiration="60")
    assert (down["presigned_url"].partition("?")[0], down["file_size"]) == (
        f"http://public/{ROOT}/a",
        3,
    )
    up = await ask("CreatePresignedUploadUrl", **named | {"path": "b.txt"})
    assert up["headers"] == {"Content-Type": "text/plain"}
    assert [s.expires.total_seconds() for s in store.signatures] == [60, 900]


async def test_url_lives_no_longer_than_the_operator_allows(ask, processor, store):
    processor._lifetimes = UrlLifetimes(whole=timedelta(minutes=1), parts=timedelta(minutes=20))
    store.objects[f"{ROOT}/a"] = b"123"
    named = {"run_id": "r", "path": "a", "artifact_uri": URI}
    for name in ("CreatePresignedDownloadUrl", "CreatePresignedUploadUrl"):
        await ask(name, **named)
        assert await ask(name, **named, expiration=61) == ErrorCode.INVALID_PARAMETER_VALUE
    await ask("GetPresignedDownloadUrl", artifact_path=f"{ROOT}/a")
    await create(ask, num_parts=2)
    assert [s.expires.total_seconds() for s in store.signatures] == [60, 60, 60, 1200, 1200]


@pytest.mark.parametrize("expiration", [0, -1, 901, 604_801])
async def test_lifetime_of_a_url_is_bounded(ask, expiration):
    for name in ("CreatePresignedDownloadUrl", "CreatePresignedUploadUrl"):
        named = {"run_id": "r", "path": "a", "artifact_uri": URI, "expiration": expiration}
        assert await ask(name, **named) == ErrorCode.INVALID_PARAMETER_VALUE


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


async def test_directories_of_owners_are_listed_once_each_and_other_places_never(ask, store):
    model = f"m-{RUN}"
    for key in (
        *(f"7/0/{RUN}/artifacts/{name}" for name in "abcdefg"),
        f"7/0/{RUN}/artifacts/{'1' * 32}/artifacts/file",
        f"7/0/{'2' * 32}/artifacts/file",
        f"7/12/models/{model}/artifacts/MLmodel",
        *(f"7/elsewhere/{name}" for name in "abcd"),
        f"7/place/{'3' * 32}/artifacts/file",
        f"8/0/{'4' * 32}/artifacts/file",
    ):
        store.objects[key] = b""
    found, after = [], ""
    while True:
        reply = await ask("ListOwnedDirectories", after=after)
        found += [(each["path"], each["owner"]) for each in reply["directories"]]
        after = reply["last"]
        if not after:
            break
    assert found == [
        (f"7/0/{RUN}/artifacts", RUN),
        (f"7/0/{'2' * 32}/artifacts", "2" * 32),
        (f"7/12/models/{model}/artifacts", model),
    ]


@pytest.mark.parametrize("path", ["7", "7/0", f"7/0/{RUN}", f"7/place/{RUN}/artifacts"])
async def test_what_is_no_owners_directory_is_not_swept(ask, path):
    answer = await ask("DeleteOrphans", path=path, older_than=0)
    assert answer == ErrorCode.INVALID_PARAMETER_VALUE


async def test_commands_of_a_frame_are_answered_each(processor, store):
    store.objects[f"{ROOT}/a"] = b""
    frame = Frame(
        new_id(),
        "commands",
        [
            envelope("DeleteArtifact", path=f"{ROOT}/a"),
            envelope("DeleteArtifact", path="8/x"),
            envelope("Nonsense"),
            envelope("DeleteArtifact", path=f"{ROOT}/a", deadline=1.0),
        ],
    )
    outcome = await processor.commands(frame, redelivered=False)
    assert [outcome.answers[index].error for index in range(4)] == [
        None,
        ErrorCode.RESOURCE_DOES_NOT_EXIST,
        ErrorCode.NOT_IMPLEMENTED,
        ErrorCode.DEADLINE_EXCEEDED,
    ]
    assert not outcome.poison


async def test_surprise_is_an_internal_error_that_is_logged_once(processor, store, capfd):
    async def surprise(_key):
        raise ZeroDivisionError("secret")

    store.delete = surprise
    answer = await processor.query(envelope("DeleteArtifact", path=f"{ROOT}/a"))
    assert answer.error == ErrorCode.INTERNAL_ERROR
    assert b"secret" not in answer.body
    assert "".join(capfd.readouterr()).count("message_failed") == 1
