"""The client's address, as trusted proxies tell it."""

from types import SimpleNamespace

import pytest
from multidict import CIMultiDict
from pydantic import ValidationError

from services.gateway.http.peers import peer_of
from services.gateway.http.settings import HttpSettings


def request(remote, *forwarded):
    return SimpleNamespace(
        remote=remote, headers=CIMultiDict([("X-Forwarded-For", each) for each in forwarded])
    )


def same(trusted, one, other):
    peer = peer_of(trusted)
    return peer(one) == peer(other)


@pytest.mark.parametrize(
    ("trusted", "remote", "forwarded", "client"),
    [
        ("", "10.0.0.1", ["1.2.3.4"], "10.0.0.1"),
        ("10.0.0.0/8", "10.0.0.1", ["1.2.3.4"], "1.2.3.4"),
        ("10.0.0.1", "10.0.0.1", ["forged, 1.2.3.4"], "1.2.3.4"),
        ("10.0.0.1", "10.0.0.2", ["1.2.3.4"], "10.0.0.2"),
        ("10.0.0.1, 192.168.0.0/16", "10.0.0.1", ["1.2.3.4, 192.168.3.4"], "1.2.3.4"),
        ("10.0.0.0/8", "10.0.0.1", ["1.2.3.4", "10.0.0.7"], "1.2.3.4"),
        ("10.0.0.0/8", "10.0.0.1", ["10.0.0.3"], "10.0.0.3"),
        ("10.0.0.0/8", "10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.0/8", "10.0.0.1", [""], "10.0.0.1"),
        ("fd00::/8", "fd00::1", ["2001:db8:1:2:3:4:5:6"], "2001:db8:1:2::1"),
        ("", "::ffff:1.2.3.4", [], "1.2.3.4"),
    ],
)
def test_client_is_whom_the_last_trusted_proxy_names(trusted, remote, forwarded, client):
    assert same(trusted, request(remote, *forwarded), request(client))


def test_addresses_are_told_apart():
    assert not same("", request("1.2.3.4"), request("1.2.3.5"))
    assert not same("", request("2001:db8:1:2::1"), request("2001:db8:1:3::1"))
    assert not same("10.0.0.1", request("10.0.0.1", "a"), request("10.0.0.1", "b"))
    assert same("", request(None), request(""))


def test_what_is_no_network_is_refused_at_the_start():
    with pytest.raises(ValidationError, match="does not appear to be"):
        HttpSettings(trusted_proxies="10.0.0.1, proxy")
