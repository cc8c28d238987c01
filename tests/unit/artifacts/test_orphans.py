"""Directories without an owner, which ``warren gc --sweep`` deletes."""

import pytest

from shared.contracts.errors import ErrorCode

RUN = "0" * 32


async def test_directories_of_owners_are_listed_once_each_and_other_places_never(ask, store):
    model = f"m-{RUN}"
    for key in (
        *(f"7/0/{RUN}/artifacts/{name}" for name in "abcdefg"),
        f"7/0/{RUN}/artifacts/{'1' * 32}/artifacts/file",
        f"7/0/{'2' * 32}/artifacts/file",
        f"7/12/models/{model}/artifacts/MLmodel",
        f"7/12/traces/tr-{RUN}/artifacts/traces.json",
        f"7/12/traces/{RUN}/artifacts/traces.json",
        "7/12/traces/another-id/artifacts/traces.json",
        *(f"7/elsewhere/{name}" for name in "abcd"),
        f"7/place/{'3' * 32}/artifacts/file",
        f"8/0/{'4' * 32}/artifacts/file",
    ):
        store.objects[key] = b""
    found, after = [], ""
    while True:
        reply = await ask("ListOwnedDirectories", after=after)
        found += [tuple(each.values()) for each in reply["directories"]]
        after = reply["last"]
        if not after:
            break
    assert found == [
        (f"7/0/{RUN}/artifacts", RUN, False),
        (f"7/0/{'2' * 32}/artifacts", "2" * 32, False),
        (f"7/12/models/{model}/artifacts", model, False),
        (f"7/12/traces/{RUN}/artifacts", RUN, True),
        (f"7/12/traces/tr-{RUN}/artifacts", f"tr-{RUN}", True),
    ]


@pytest.mark.parametrize("path", ["7", "7/0", f"7/0/{RUN}", f"7/place/{RUN}/artifacts"])
async def test_what_is_no_owners_directory_is_not_swept(ask, path):
    answer = await ask("DeleteOrphans", path=path, older_than=0)
    assert answer == ErrorCode.INVALID_PARAMETER_VALUE
