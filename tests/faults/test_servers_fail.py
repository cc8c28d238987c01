"""The servers under Warren end and come back, or can't be reached: all that was acknowledged is there, once.

Nothing of ours is restarted in any of these tests.
"""

import asyncio

import pytest

from tests.faults.load import loaded

SILENCE = 1.0
"""Seconds without an acknowledgement that mean that the load stands still."""


async def standstill(load):
    """Wait until nothing is acknowledged any more."""
    before = -1
    while before != load.book.count():
        before = load.book.count()
        await asyncio.sleep(SILENCE)


@pytest.mark.parametrize("name", ["postgres", "rabbitmq"])
async def test_a_killed_server_costs_time_and_nothing_else(site, name):
    server = getattr(site, name)
    async with loaded(site.url) as load:
        await load.acknowledges(200)
        await server.kill()
        await standstill(load)
        await server.start()
        await load.acknowledges(200)


@pytest.mark.parametrize("name", ["to_postgres", "to_rabbitmq"])
async def test_connections_cut_in_the_middle_of_anything_lose_and_double_nothing(site, name):
    link = getattr(site, name)
    async with loaded(site.url) as load:
        for _ in range(5):
            await load.acknowledges(100)
            link.cut()
        await load.acknowledges(100)


@pytest.mark.parametrize("name", ["to_postgres", "to_rabbitmq"])
async def test_a_network_that_hangs_and_goes_on_loses_and_doubles_nothing(site, name):
    link = getattr(site, name)
    async with loaded(site.url) as load:
        await load.acknowledges(100)
        link.stall()
        await standstill(load)
        link.go_on()
        await load.acknowledges(100)


async def test_a_slow_network_fails_no_client(site):
    async with loaded(site.url, patient=False) as load:
        for link in site.links:
            link.delay = 0.05
        await load.acknowledges(100)
        for link in site.links:
            link.go_on()
        await load.acknowledges(100)
    assert load.book.refusals == {}
