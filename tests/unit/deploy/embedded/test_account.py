import os

import pytest

from deploy.local.embedded import account
from deploy.local.embedded.account import NoIdentityError, identity_for, reachable_by_nobody
from deploy.local.embedded.private import restrict_passage

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root changes its identity")


@pytest.fixture
def closed(open_directory):
    open_directory.chmod(0o700)
    return open_directory / "data"


def test_a_closed_parent_keeps_others_out(open_directory, closed):
    assert not reachable_by_nobody(closed)
    open_directory.chmod(0o711)
    assert reachable_by_nobody(closed)


@as_root
def test_the_group_of_nobody_may_be_let_through_alone(open_directory, closed):
    restrict_passage(open_directory)
    assert open_directory.stat().st_mode & 0o777 == 0o710
    assert reachable_by_nobody(closed)


@pytest.mark.skipif(os.geteuid() == 0, reason="needs another user than root")
def test_an_ordinary_user_stays_who_they_are(closed):
    assert identity_for(closed).account is None


@as_root
def test_root_becomes_nobody_where_nobody_can_pass(open_directory):
    identity = identity_for(open_directory / "data")
    assert identity.account == identity.owner
    assert identity.owner.uid != 0


@as_root
def test_root_looks_like_nobody_where_nobody_cannot_pass(closed, monkeypatch):
    monkeypatch.setattr(account, "namespaces_allowed", lambda: True)
    identity = identity_for(closed)
    assert identity.prefix[0] == "unshare"
    assert identity.owner.uid == 0


@as_root
def test_root_is_told_what_to_do_where_nothing_works(closed, monkeypatch):
    monkeypatch.setattr(account, "namespaces_allowed", lambda: False)
    with pytest.raises(NoIdentityError, match="WARREN_DATA"):
        identity_for(closed)


@pytest.fixture
def nameless(monkeypatch):
    """Be a user whom no list of users has, as in a container that was given any number."""
    uid = 1_234_567
    monkeypatch.setattr("os.geteuid", lambda: uid)
    return uid


def test_a_user_without_a_name_looks_like_nobody(closed, nameless, monkeypatch):
    monkeypatch.setattr(account, "namespaces_allowed", lambda: True)
    identity = identity_for(closed)
    assert identity.prefix[0] == "unshare"
    assert (identity.account, identity.owner.uid) == (None, nameless)


def test_a_user_without_a_name_is_told_what_to_do_where_that_is_forbidden(
    closed, nameless, monkeypatch
):
    monkeypatch.setattr(account, "namespaces_allowed", lambda: False)
    with pytest.raises(NoIdentityError, match=f"{nameless} has none in /etc/passwd.*POSTGRES_DSN"):
        identity_for(closed)
