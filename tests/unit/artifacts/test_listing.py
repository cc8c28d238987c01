"""Listings and deletions of directories."""

from shared.contracts.errors import ErrorCode
from tests.unit.artifacts.conftest import ROOT, URI


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
