"""Which paths are accepted, and that none of them can mean anything but itself."""

import posixpath
from urllib.parse import quote, unquote, urlparse, urlunparse

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.contracts.errors import DomainError, ErrorCode
from shared.mlflow.artifact_paths import (
    directory_key,
    directory_keys,
    file_key,
    file_keys,
    is_within,
    join,
    owner_directory,
    proxied_root,
)
from shared.mlflow.reserved_names import unescaped

ROOT = "7/0/run/artifacts"

NAMES = [
    "model.pkl",
    "with space",
    "trailing ",
    "größe-模型-🐇.txt",
    "100%",
    "100% of it",
    "a%zz",
    "a+b",
    "a&b=c;d",
    "(1)",
    "'quoted' \"twice\"",
    "~",
    "...",
    "..a",
    "a..",
    ".hidden",
    "[x]{y}*$@!",
    "\ufffd",
    "n" * 255,
]

FORMS = {
    "100%25": "100%",
    "a%z%41": "a%zA",
    "50% of%20it.txt": "50% of it.txt",
    "key%step%20%timestamp%1719%a3f2.png": "key%step %timestamp%1719\ufffdf2.png",
    "key%step%3%timestamp%1719%0a3f.png": "key%step%3%timestamp%17193f.png",
    "key%step%3%timestamp%1719%5c3f.png": "key%step%3%timestamp%1719_3f.png",
    "key%step%23%timestamp%1719%3f.png": "key%step_%timestamp%1719_.png",
    "a%2Fb": "a/b",
    "%c0%ae%c0%ae": "\ufffd" * 4,
    " leading": "leading",
    "%09 %1f leading": "leading",
    "a\nSet-Cookie: x": "aset-cookie: x",
    "a\tb": "ab",
    "a%00b": "a_b",
    "a\x7fb": "a%7fb",
    "a\x10b": "a%10b",
    "a\\b": "a_b",
    "Loss:final.png": "loss:final.png",
    "a;": "a",
    "a#": "a",
}
"""The stored form of names that MLflow's clients would change when they read them in a listing."""

BAD = [
    "..",
    "../x",
    "a/../b",
    "a/..",
    ".",
    "./a",
    "a/./b",
    "",
    " ",
    "/etc/passwd",
    "a//b",
    "a/%0a/b",
    "//a",
    "a/",
    "..\\b",
    "a\\.\\b",
    "a\x85b",
    "%2e%2e/x",
    "%2E%2E",
    "a/%2e%2e%2fb",
    "%252e%252e%252fx",
    "%25252e%25252e",
    "a/..%2f..%2fb",
    "..%5cb",
    ".%0a.",
    "%2%0ae%2%0ae",
    "%" + "25" * 20,
    "\uffff",
    "n" * 256,
    "/".join(["n" * 100] * 11),
    "ü" * 128,
    "%25" * 1_000_000,
]

UNLISTED = ["a#b", "a?b", "http:x", "file:x", "a#%2523x"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("depth", [1, 3])
def test_name_is_accepted_at_any_depth_and_stays_as_it_is(name, depth):
    path = f"{ROOT}/{'/'.join([name] * depth)}"
    assert file_key(path, 7) == path
    assert file_keys(path, 7) == [path]
    assert directory_key(path, 7) == path


@pytest.mark.parametrize(("name", "form"), FORMS.items())
def test_name_that_clients_change_is_stored_in_the_form_that_they_ask_for(name, form):
    assert file_key(f"{ROOT}/d/{name}", 7) == f"{ROOT}/d/{form}"
    assert file_key(f"{ROOT}/d/{form}", 7) == f"{ROOT}/d/{form}"


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("7/0/.uploads/x", "7/0/%2euploads/x"),
        ("7/0/a.versions/.versions", "7/0/a%2eversions/%2eversions"),
        ("7/0/%2eversions", "7/0/%2eversions"),
        ("x.versions/y", "7/~/x%2eversions/y"),
        ("7/0/a.uploads/.uploads2/.versions.txt", "7/0/a.uploads/.uploads2/.versions.txt"),
    ],
)
def test_name_that_the_storage_reserves_is_escaped_in_the_key(path, key):
    assert file_key(path, 7) == directory_key(path, 7) == key
    assert unquote(key).endswith("/".join(map(unescaped, key.split("/"))))


def test_artifact_that_was_stored_before_under_its_path_as_sent_is_looked_for_there_next():
    assert file_keys(f"{ROOT}/100%25", 7) == [f"{ROOT}/100%", f"{ROOT}/100%25"]
    assert file_keys(f"{ROOT}/a#b", 7) == [f"{ROOT}/a#b"]
    assert directory_keys(f"{ROOT}/a%41/", 7) == [f"{ROOT}/aA", f"{ROOT}/a%41"]
    assert file_keys(f"{ROOT}/.uploads/a", 7) == [f"{ROOT}/%2euploads/a", f"{ROOT}/.uploads/a"]


@pytest.mark.parametrize("name", UNLISTED)
def test_name_that_no_client_could_ask_for_is_refused_where_it_is_new(name):
    with pytest.raises(DomainError, match="can't ask for"):
        file_key(f"{ROOT}/{name}", 7)
    assert file_keys(f"{ROOT}/{name}", 7)


@pytest.mark.parametrize("path", BAD)
def test_bad_path_is_refused(path):
    for keys in (file_key, file_keys, directory_keys):
        if keys is directory_keys and path in {"", "a/"}:
            continue
        with pytest.raises(DomainError) as refusal:
            keys(f"{ROOT}/{path}", 7)
        assert refusal.value.code == ErrorCode.INVALID_PARAMETER_VALUE


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("x", "7/~/x"),
        ("models/a/b", "7/~/models/a/b"),
        ("~/x", "7/~/~/x"),
        ("7a/x", "7/~/7a/x"),
        ("+7/x", "7/~/+7/x"),
        ("\uff17/x", "7/~/\uff17/x"),
        ("%7e", "7/~/~"),
        ("7/~/x", "7/~/x"),
    ],
)
def test_path_of_a_clients_choice_lies_in_a_directory_of_its_own(path, key):
    assert file_key(path, 7) == key
    assert directory_key(path, 7) == key


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "/7/x", "7//x", "7/../8/x", "7/x/", "C:/x", "", "~/../../8/x"],
)
def test_bad_path_of_the_proxy_is_refused(path):
    with pytest.raises(DomainError) as refusal:
        file_key(path, 7)
    assert refusal.value.code == ErrorCode.INVALID_PARAMETER_VALUE


@pytest.mark.parametrize(
    "path", ["8/0/run/artifacts/x", "77/x", "07/x", "7", "8", "%38/x", "7%0a7/x"]
)
def test_path_outside_of_the_project_names_nothing(path):
    with pytest.raises(DomainError) as refusal:
        file_key(path, 7)
    assert refusal.value.code == ErrorCode.RESOURCE_DOES_NOT_EXIST


def test_directory_may_end_with_a_slash_and_may_be_the_project():
    assert directory_key("7/0/", 7) == "7/0"
    assert directory_key("7", 7) == "7"
    assert directory_key("", 7) == directory_key("/", 7) == "7/~"
    with pytest.raises(DomainError):
        directory_key("7/0//", 7)
    with pytest.raises(DomainError):
        directory_key("8", 7)


@given(st.text(max_size=40), st.integers(1, 99))
@example("\ta%0a%2541", 7)
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


@given(st.text(max_size=40), st.sampled_from(["7/", ""]))
@example("key%step%20%timestamp%1719%0a3f", "7/")
@example("%2%0a5", "7/")
def test_what_clients_make_of_a_stored_name_is_that_name(tail, root):
    try:
        key = file_key(root + tail, 7)
    except DomainError:
        return
    for name in key.split("/"):
        assert as_clients_read(name) == name
    assert file_key(unquote(quote(key)), 7) == key


def as_clients_read(name):
    """Do what `validate_path_is_safe` in `mlflow/utils/uri.py` does to a name in a listing."""
    while (parsed := urlunparse(urlparse(unquote(name)))) != name:
        name = parsed
    assert "#" not in name
    return "".join(f"%{ord(c):02x}" if c < " " or c == "\x7f" else c for c in name)


def test_root_of_a_run_is_the_path_of_its_uri():
    assert proxied_root("mlflow-artifacts:/1/0/run/artifacts") == "1/0/run/artifacts"
    assert proxied_root("mlflow-artifacts://host:5000/1/0/run/artifacts?x=y") == "1/0/run/artifacts"
    assert proxied_root("mlflow-artifacts:/1/my%20place") == "1/my place"
    assert proxied_root("mlflow-artifacts:/1//0/") == "1/0"
    assert proxied_root("mlflow-artifacts:/") == ""


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
        ("mlflow-artifacts:/models/run/artifacts", "7/~/models/run"),
    ],
)
def test_directory_of_an_owner_is_what_holds_its_artifacts(uri, directory):
    assert owner_directory(uri, 7) == directory


def test_a_directory_is_within_itself_and_not_within_one_whose_name_it_begins_with():
    assert is_within("7/1", "7/1")
    assert is_within("7/1/a", "7/1")
    assert not is_within("7/12", "7/1")
    assert not is_within("7", "7/1")
