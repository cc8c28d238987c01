import os

import pytest

from deploy.local.embedded.private import restrict_data, restrict_tree, write_private
from deploy.local.embedded.process import ProcessFailedError


def modes(directory):
    """Return the modes of everything below, by path."""
    return {
        str(path.relative_to(directory)): oct(path.stat().st_mode & 0o777)
        for path in directory.rglob("*")
        if not path.is_symlink()
    }


@pytest.fixture
def loose(tmp_path):
    """Return data as a release made them that left the modes to the umask."""
    data = tmp_path / "data"
    (data / "s3" / "objects").mkdir(parents=True)
    (data / "log").mkdir()
    (data / "s3" / "objects" / "1.dat").write_text("artifacts")
    (data / "log" / "gateway-1.log").write_text("")
    (data / "s3" / "program").write_text("")
    for path in (data, *data.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
    (data / "s3" / "program").chmod(0o755)
    return data


def test_a_tree_is_closed_down_to_each_file(loose):
    restrict_tree(loose / "s3")
    assert loose.joinpath("s3").stat().st_mode & 0o777 == 0o700
    assert modes(loose / "s3") == {"objects": "0o700", "objects/1.dat": "0o600", "program": "0o700"}


def test_what_a_symbolic_link_names_is_elsewhere_and_keeps_its_mode(loose, tmp_path):
    outside = tmp_path / "outside"
    outside.write_text("")
    outside.chmod(0o644)
    (loose / "s3" / "link").symlink_to(outside)
    restrict_tree(loose / "s3")
    assert outside.stat().st_mode & 0o777 == 0o644


def test_a_directory_that_is_a_symbolic_link_is_closed_where_it_is(loose, tmp_path):
    (tmp_path / "link").symlink_to(loose / "s3")
    restrict_tree(tmp_path / "link")
    assert modes(loose / "s3")["objects/1.dat"] == "0o600"


def test_data_are_closed_to_strangers(loose):
    restrict_data(loose)
    # Root's PostgreSQL is `nobody`, whose group passes and does not list.
    assert loose.stat().st_mode & 0o777 == (0o710 if os.geteuid() == 0 else 0o700)
    assert loose.joinpath("log/gateway-1.log").stat().st_mode & 0o777 == 0o600


def test_a_directory_with_others_files_keeps_its_mode(loose):
    (loose / "thesis.tex").write_text("")
    restrict_data(loose)
    assert loose.stat().st_mode & 0o777 == 0o777
    assert loose.joinpath("log").stat().st_mode & 0o777 == 0o700


def test_a_directory_for_all_users_keeps_its_mode(loose):
    loose.chmod(0o1777)
    restrict_data(loose)
    assert loose.stat().st_mode & 0o7777 == 0o1777


def test_missing_data_are_made_closed(tmp_path):
    restrict_data(tmp_path / "new")
    assert (tmp_path / "new").stat().st_mode & 0o707 == 0o700


def test_what_cannot_be_closed_is_named(loose):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    with pytest.raises(ProcessFailedError, match=r"s3/\w+ is open to other users.*not permitted"):
        restrict_tree(loose / "s3", set_mode=refuse)


def test_a_secret_replaces_an_open_file_by_a_closed_one(tmp_path):
    file = tmp_path / "secret"
    file.write_text("old")
    file.chmod(0o644)
    write_private(file, "new")
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("new", 0o600)
