"""Which paths are accepted, and that none of them can mean anything but itself."""

import posixpath
from urllib.parse import quote, unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.contracts.errors import DomainError, ErrorCode
from shared.mlflow.artifact_paths import (
    directory_key,
    file_key,
    is_within,
    join,
    owner_directory,
    proxied_root,
)

ROOT = "7/0/run/artifacts"

NAMES = [
    "model.pkl",
    "with space",
    " leading and trailing ",
    "größe-模型-🐇.txt",
    "100%",
    "100%25",
    "a+b",
    "a#b",
    "a?b",
    "a&b=c;d",
    "(1)",
    "'quoted' \"twice\"",
    "~",
    "...",
    "..a",
    "a..",
    ".hidden",
    "C:",
    "a%2Fb",
    "[x]{y}*$@!",
    "n" * 255,
]

BAD = [
    "..",
    "../x",
    "a/../b",
    "a/..",
    ".",
    "./a",
    "a/./b",
    "",
    "/etc/passwd",
    "a//b",
    "//a",
    "a/",
    "a\\b",
    "..\\b",
    "a\0b",
    "a\nSet-Cookie: x",
    "a\rb",
    "a\tb",
    "a\x7fb",
    "a\x85b",
    "%2e%2e/x",
    "%2E%2E",
    "a/%2e%2e%2fb",
    "%252e%252e%252fx",
    "%25252e%25252e",
    "a/..%2f..%2fb",
    "..%5cb",
    "a%00b",
    "\ufffd",
    "\uffff",
    "n" * 256,
    "/".join(["n" * 100] * 11),
    "ü" * 128,
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("depth", [1, 3])
def test_name_is_accepted_at_any_depth_and_stays_as_it_is(name, depth):
    path = f"{ROOT}/{'/'.join([name] * depth)}"
    assert file_key(path, 7) == path
    assert directory_key(path, 7) == path


@pytest.mark.parametrize("path", BAD)
def test_bad_path_is_refused(path):
    with pytest.raises(DomainError) as refusal:
        file_key(f"{ROOT}/{path}", 7)
    assert refusal.value.code == ErrorCode.INVALID_PARAMETER_VALUE


@pytest.mark.parametrize("path", ["/etc/passwd", "/7/x", "7//x", "7/../8/x", "7/x/"])
def test_bad_path_of_the_proxy_is_refused(path):
    with pytest.raises(DomainError) as refusal:
        file_key(path, 7)
    assert refusal.value.code == ErrorCode.INVALID_PARAMETER_VALUE


@pytest.mark.parametrize("path", ["8/0/run/artifacts/x", "77/x", "x", "C:/x", "07/x", "7"])
def test_path_outside_of_the_project_names_nothing(path):
    with pytest.raises(DomainError) as refusal:
        file_key(path, 7)
    assert refusal.value.code == ErrorCode.RESOURCE_DOES_NOT_EXIST


def test_directory_may_end_with_a_slash_and_may_be_the_project():
    assert directory_key("7/0/", 7) == "7/0"
    assert directory_key("7", 7) == "7"
    with pytest.raises(DomainError):
        directory_key("7/0//", 7)
    with pytest.raises(DomainError):
        directory_key("8", 7)


@given(st.text(max_size=40), st.integers(1, 99))
@example("x/../../8/secret", 7)
@example("%2e%2e/%2e%2e/8/secret", 7)
@example("%2f", 7)
def test_what_is_accepted_stays_in_its_project_however_it_is_read(tail, project):
    try:
        key = file_key(f"{project}/{tail}", project)
    except DomainError as refusal:
        assert refusal.code in {
            ErrorCode.INVALID_PARAMETER_VALUE,
            ErrorCode.RESOURCE_DOES_NOT_EXIST,
        }
        return
    for _ in range(5):
        assert f"{posixpath.normpath(key)}/".startswith(f"{project}/")
        key = unquote(key)


@given(
    st.lists(
        st.text(
            st.characters(exclude_categories=["C"], exclude_characters="/\\\ufffd%"), min_size=1
        )
        .filter(lambda name: name not in {".", ".."})
        .filter(lambda name: len(name.encode()) <= 60),
        min_size=1,
        max_size=5,
    )
)
def test_any_name_survives_one_encoding_and_one_decoding(names):
    path = f"1/{'/'.join(names)}"
    assert file_key(unquote(quote(path)), 1) == path


def test_root_of_a_run_is_the_path_of_its_uri():
    assert proxied_root("mlflow-artifacts:/1/0/run/artifacts") == "1/0/run/artifacts"
    assert proxied_root("mlflow-artifacts://host:5000/1/0/run/artifacts?x=y") == "1/0/run/artifacts"
    assert proxied_root("mlflow-artifacts:/1/my%20place") == "1/my place"


@pytest.mark.parametrize("uri", ["s3://bucket/x", "file:///etc", "/etc/passwd", "dbfs:/x", ""])
def test_other_storage_is_never_opened(uri):
    with pytest.raises(DomainError, match="does not open"):
        proxied_root(uri)


def test_empty_path_is_the_root_itself():
    assert join("1/0", "") == "1/0"
    assert join("1/0", "a") == "1/0/a"


@pytest.mark.parametrize(
    ("uri", "directory"),
    [
        ("mlflow-artifacts:/7/0/run/artifacts", "7/0/run"),
        ("mlflow-artifacts:/7/0/models/m-1/artifacts", "7/0/models/m-1"),
        ("mlflow-artifacts:/7/0", "7/0"),
        ("mlflow-artifacts:/7/my%20place/", "7/my place"),
    ],
)
def test_directory_of_an_owner_is_what_holds_its_artifacts(uri, directory):
    assert owner_directory(uri, 7) == directory


def test_a_directory_is_within_itself_and_not_within_one_whose_name_it_begins_with():
    assert is_within("7/1", "7/1")
    assert is_within("7/1/a", "7/1")
    assert not is_within("7/12", "7/1")
    assert not is_within("7", "7/1")
