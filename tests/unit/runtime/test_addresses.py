"""Addresses that name several hosts."""

import pytest

from shared.runtime.addresses import each_host


@pytest.mark.parametrize(
    ("address", "hosts"),
    [
        ("amqp://u:p@a:1/v", ["amqp://u:p@a:1/v"]),
        ("amqp://u:p%2C%40@a:1,b:2/%2F", ["amqp://u:p%2C%40@a:1/%2F", "amqp://u:p%2C%40@b:2/%2F"]),
        ("amqps://a,b/?cafile=/c", ["amqps://a/?cafile=/c", "amqps://b/?cafile=/c"]),
        ("amqp://u:p@[::1]:1,b:2/", ["amqp://u:p@[::1]:1/", "amqp://u:p@b:2/"]),
    ],
)
def test_each_host_has_an_address_that_else_is_the_same(address, hosts):
    assert each_host(address) == hosts
