"""What is subscribed to is handled, and the other way round."""

from services.artifacts.handlers import EVENT_HANDLERS
from services.registry.handlers import HANDLERS as REGISTRY
from services.tracking.handlers import HANDLERS as TRACKING
from shared.bus.topology import SUBSCRIPTIONS


def test_every_handler_of_an_event_is_subscribed_and_every_subscription_handled():
    handlers = {
        "artifacts": EVENT_HANDLERS,
        "tracking": TRACKING.events,
        "registry": REGISTRY.events,
    }
    handled = {name: {c.topic for c in each} for name, each in handlers.items() if each}
    assert handled == {name: set(topics) for name, topics in SUBSCRIPTIONS.items()}
