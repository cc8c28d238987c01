"""A dead letter's contents may be anything."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from shared.messaging import topology
from shared.messaging.dead_letters import read_letter


@pytest.mark.parametrize(
    ("topic", "names", "projects"),
    [
        ("7.run.created", ["run.created"], [7]),
        ("².run.created", ["run.created"], []),
        ("9" * 5000 + ".x", ["x"], []),
        ("", [""], []),
        (b"\xff", [""], []),
    ],
)
def test_topic_of_an_event_that_died(topic, names, projects):
    message = SimpleNamespace(
        headers={topology.TOPIC_HEADER: topic}, message_id=None, body=b"\x00", routing_key=""
    )
    letter = read_letter("toy.events", cast("Any", message))
    assert (letter.names, letter.projects, letter.id) == (names, projects, "")
