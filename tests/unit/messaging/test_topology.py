"""Each subscription has a handler and each handler a subscription; retry schedules are long enough."""

from functools import partial
from importlib import import_module
from itertools import count
from pathlib import Path

import pytest

from shared.messaging import topology
from shared.messaging.askers import Askers
from shared.messaging.messages import Envelope, new_id
from shared.messaging.topology import SUBSCRIPTIONS, Asks, Layout


def test_every_handler_of_an_event_is_subscribed_and_every_subscription_handled():
    services = [path.parent.name for path in Path("services").glob("*/handlers")]
    topics = {
        name: set(import_module(f"services.{name}.handlers").HANDLERS.topics) for name in services
    }
    handled = {name: each for name, each in topics.items() if each}
    assert handled == {name: set().union(*told.values()) for name, told in SUBSCRIPTIONS.items()}


def test_every_service_with_handlers_is_listed():
    folders = {path.parent.name for path in Path("services").glob("*/handlers")}
    assert folders <= set(topology.SERVICES)


@pytest.mark.parametrize(
    ("queue", "least_seconds"), [("toy.commands", 100), ("toy.events", 24 * 3600)]
)
def test_a_message_is_tried_for_long_and_then_given_up(queue, least_seconds):
    service, _, kind = queue.partition(".")
    subscriptions = {} if kind == "commands" else {service: {}}
    declared = Layout(subscriptions=subscriptions).queues([] if subscriptions else [service])
    seconds = {
        spec.name: int(spec.arguments["x-message-ttl"]) / 1000
        for spec in declared
        if "x-message-ttl" in spec.arguments
    }
    schedule = list(iter(partial(next, map(partial(topology.retry_queue, queue), count(1))), None))
    waits = [seconds[rest] for rest in schedule]
    assert waits == sorted(waits)
    assert waits[0] <= 1
    assert sum(waits) > least_seconds
    assert topology.retry_queue(queue, len(schedule) + 1) is None
    assert set(schedule) == set(seconds)


def test_what_is_transient_is_replicated_only_where_that_is_asked_for():
    kinds = {}
    for transient_queues in ("classic", "quorum"):
        specs = {spec.name: spec for spec in Layout(transient_queues).queues(["toy"])}
        kinds[transient_queues] = {name: spec.type for name, spec in specs.items()}
        replaceable = {name for name, spec in specs.items() if spec.replaceable}
        assert replaceable == {"toy.transient-commands", "toy.queries"}
    for name in replaceable:
        assert kinds["classic"].pop(name) == "classic"
        assert kinds["quorum"].pop(name) == "quorum"
    assert kinds["classic"] == kinds["quorum"]
    assert set(kinds["classic"].values()) == {"quorum"}


def test_every_message_of_the_lists_is_a_contract_of_the_asked_service():
    """A misspelt name would let nothing through."""
    for asker, asked in topology.ASKS.items():
        for service, names in asked.items():
            messages = import_module(f"services.{service}.handlers").HANDLERS.messages
            early = {"HandleEvent"} if service in SUBSCRIPTIONS else set()
            assert set(names or ()) <= {*messages, *early}, asker


def test_an_asker_that_is_not_the_gateway_asks_for_what_is_listed_alone():
    asks: Asks = {"other": {"toy": ("Read",)}, "gateway": {"toy": None}}
    askers = Askers("toy", asks)
    read, write = (Envelope(new_id(), name, 1, b"", 0.0) for name in ("Read", "Write"))
    assert askers.refuse("other.requests", [read]) is None
    answers = askers.refuse("other.requests", [read, write])
    assert {index: answer.error for index, answer in answers.items()} == dict.fromkeys(
        (0, 1), "PERMISSION_DENIED"
    )
    assert askers.refuse("gateway.requests", [write]) is None


@pytest.mark.parametrize(
    ("role", "key", "must"),
    [
        (topology.REQUESTS, "tracking.queries", True),
        (topology.REQUEUE, "tracking.events.dead-letters", True),
        (topology.REPLIES, "0123", False),
        (topology.OUTBOX, "7.run.purged", True),
        (topology.OUTBOX, "7.run.finished", False),
    ],
)
def test_only_replies_and_events_without_a_subscriber_may_reach_no_queue(role, key, must):
    assert topology.LAYOUT.must_be_routed(role, key) is must
