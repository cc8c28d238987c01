"""A bus without a broker: remembers what was sent and answers what the test says."""

import asyncio
import json

from shared.contracts.access import Ability, Authorization, Project, TokenState
from shared.messaging.messages import Answer

ADMITTED = Authorization(
    state=TokenState.ACTIVE,
    user_id=1,
    username="root",
    scopes=["api"],
    project=Project(id=1, path="root/default"),
    abilities=list(Ability),
)
"""Every token allows everything in the root project, unless a test sets another answer."""


class FakeBus:
    """``reply`` is an Answer, or an exception to raise; ``hold`` keeps calls waiting.

    ``replies`` has other replies for some messages, by name; a list has one for each call.
    """

    def __init__(self):
        self.ready = True
        self.reply: Answer | BaseException = Answer(b"{}")
        self.replies = {"Authorize": Answer(ADMITTED.model_dump_json().encode())}
        self.sent = []
        self.called = asyncio.Event()
        self.hold = asyncio.Event()
        self.hold.set()

    async def call(self, service, kind, envelope, seconds=None):  # noqa: ARG002
        self.sent.append((service, kind, envelope))
        self.called.set()
        await self.hold.wait()
        reply = self.replies.get(envelope.name, self.reply)
        if isinstance(reply, list):
            reply = reply.pop(0)
        if isinstance(reply, BaseException):
            raise reply
        return reply

    def subscribe(self, topics, on_event, on_missed):
        self.topics, self.on_event, self.on_missed = topics, on_event, on_missed

    @property
    def envelope(self):
        """The last envelope sent."""
        return self.sent[-1][2]

    @property
    def parameters(self):
        """The last payload sent, read as JSON."""
        return json.loads(self.envelope.payload)
