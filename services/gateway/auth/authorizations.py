"""Remembers the answers of the access service for a limited time.

An answer is valid for a minute at most. An event of the access service ends it earlier. When the connection to
the bus was lost, all answers are forgotten, because events may have been missed.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic, time
from typing import NamedTuple

from services.gateway.auth.grants import Grant
from shared.contracts.access import (
    Authorization,
    Authorize,
    AuthorizeSession,
    AuthorizeWorkspace,
)
from shared.contracts.access_events import (
    MemberChanged,
    ProjectChanged,
    SessionsEnded,
    TokensRevoked,
    UserChanged,
)
from shared.contracts.errors import DomainError, ErrorCode
from shared.contracts.root_project import ROOT_PATH, ROOT_PROJECT
from shared.messaging.calls import Bus
from shared.messaging.events import ReceivedEvent
from shared.messaging.messages import Envelope, new_id

TTL = 60.0
"""Seconds for which an answer is valid."""

REFUSAL_TTL = 3.0
"""Seconds for which a negative answer is valid. It is short, because the token or project may be created soon."""

MAX_ANSWERS = 10_000
"""The most answers that are kept, counted separately for positive and negative ones.

Guessed tokens therefore can't push out the tokens in use.
"""

ASK_SECONDS = 10.0
"""The deadline of a question to the access service."""

TOPICS = tuple(
    event.topic
    for event in (TokensRevoked, SessionsEnded, MemberChanged, ProjectChanged, UserChanged)
)


class Key(NamedTuple):
    """The digest of a token or a session, and the project's name in the request, which may be a workspace's name."""

    digest: str
    project: str
    workspace: str = ""
    is_session: bool = False

    @property
    def is_of_root(self) -> bool:
        """Return whether the request means the root project."""
        return not self.workspace and is_root(self.project)


_WITH_DIGESTS: Mapping[str, type[TokensRevoked] | type[SessionsEnded]] = {
    TokensRevoked.topic: TokensRevoked,
    SessionsEnded.topic: SessionsEnded,
}
"""The events that outdate the answers about some digests only, by topic."""


@dataclass(frozen=True, slots=True)
class _Kept:
    grant: Grant
    until: float
    """A time of the monotonic clock."""


class Authorizations:
    """Asks the access service once for each token and project, and remembers the answers."""

    def __init__(
        self,
        bus: Bus,
        *,
        opens_root: bool,
        max_answers: int = MAX_ANSWERS,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """With ``opens_root`` the owner of any valid token is a Developer of the root project.

        ``clock`` returns seconds, and never goes back.
        """
        self._bus = bus
        self._max_answers = max_answers
        self._clock = clock
        self._opens_root = opens_root
        self._granted: OrderedDict[Key, _Kept] = OrderedDict()
        self._refused: OrderedDict[Key, _Kept] = OrderedDict()
        self._asking: dict[Key, asyncio.Task[Grant]] = {}
        # Grows with each event, so that a question under way notices that its answer may be outdated.
        self._generation = 0

    def known(self, key: Key) -> Grant | None:
        """Return the remembered grant of a token or session; None if there is none, or a negative one."""
        kept = self._granted.get(key)
        if kept is None or kept.until <= self._clock():
            return None
        self._granted.move_to_end(key)
        return kept.grant

    def refused(self, key: Key) -> Grant | None:
        """Return the remembered negative grant of a token or session; None if there is none."""
        kept = self._refused.get(key)
        if kept is None or kept.until <= self._clock():
            return None
        self._refused.move_to_end(key)
        return kept.grant

    async def grant(self, key: Key) -> Grant:
        """Return the grant of a token or session in a project, or in a workspace if the key names one.

        Raises DomainError if the grant is not remembered and the access service does not answer.
        """
        if kept := self.known(key) or self.refused(key):
            return kept
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = asyncio.create_task(self._ask(key))
            asking.add_done_callback(lambda done: self._done(key, done))
        # Other requests wait for the same question. When this one's client disconnects, it must not be cancelled.
        return await asyncio.shield(asking)

    def on_event(self, event: ReceivedEvent) -> None:
        """Forget the answers that an event outdates."""
        self._generation += 1
        if contract := _WITH_DIGESTS.get(event.topic):
            digests = set(contract.parse(event.payload).digests)
            for kept in (self._granted, self._refused):
                for key in [key for key in kept if key.digest in digests]:
                    del kept[key]
            self._asking = {k: v for k, v in self._asking.items() if k.digest not in digests}
        else:
            self.forget()

    def forget(self) -> None:
        """Forget all answers. The next request asks again, even if a question is under way."""
        self._generation += 1
        self._granted.clear()
        self._refused.clear()
        self._asking.clear()

    async def _ask(self, key: Key) -> Grant:
        generation, began = self._generation, self._clock()
        answer = await self._answer(key)
        grant = Grant.of(answer, opened=self._opens_root and key.is_of_root)
        # An event since then may be newer than the answer. The waiting requests still get it; no later one does.
        if generation == self._generation:
            self._keep(key, grant, began + _seconds(grant, answer.fresh_for))
        return grant

    async def _answer(self, key: Key) -> Authorization:
        query = _question(key)
        envelope = Envelope(
            id=new_id(),
            name=type(query).__name__,
            project=ROOT_PROJECT,
            payload=query.model_dump_json().encode(),
            deadline=time() + ASK_SECONDS,
        )
        try:
            body = (await self._bus.call(query.service, query.kind, envelope)).checked()
        except DomainError as error:
            in_vain = error.code is ErrorCode.TEMPORARILY_UNAVAILABLE
            raise (_not_begun() if in_vain else error) from error
        return Authorization.model_validate_json(body)

    def _keep(self, key: Key, grant: Grant, until: float) -> None:
        kept, other = self._granted, self._refused
        if not grant.is_positive:
            kept, other = other, kept
        other.pop(key, None)
        kept[key] = _Kept(grant, until)
        kept.move_to_end(key)
        # The first is the least recently used.
        if len(kept) > self._max_answers:
            kept.popitem(last=False)

    def _done(self, key: Key, asked: "asyncio.Task[Grant]") -> None:
        if self._asking.get(key) is asked:
            del self._asking[key]
        if not asked.cancelled():
            # The waiting requests have got the error. If none is left, asyncio would log it as never retrieved.
            asked.exception()


def _seconds(grant: Grant, fresh_for: int | None) -> float:
    """Return how many seconds an answer is valid, counted from the question."""
    seconds = TTL if grant.is_positive else REFUSAL_TTL
    return seconds if fresh_for is None else min(seconds, fresh_for / 1000)


def _not_begun() -> DomainError:
    """Return the error for a request whose caller can't be found out: 429, safe to retry.

    It is no 503, whose outcome is unknown: the client's own request was not sent to any service.
    """
    message = "Authentication is temporarily unavailable. The request was not processed; retry."
    return DomainError(ErrorCode.REQUEST_LIMIT_EXCEEDED, message)


def _question(key: Key) -> Authorize | AuthorizeSession | AuthorizeWorkspace:
    if key.is_session:
        return AuthorizeSession(
            session_digest=key.digest, project=key.project, workspace=key.workspace
        )
    if key.workspace:
        return AuthorizeWorkspace(token_digest=key.digest, workspace=key.workspace)
    return Authorize(token_digest=key.digest, project=key.project)


def is_root(project: str) -> bool:
    """Return whether a project's name in a request means the root project."""
    return project in ("", str(ROOT_PROJECT)) or project.lower() == ROOT_PATH
