"""Sessions of browsers: signing in with a token, and signing out.

No message holds the text of a token or of a session's cookie, only SHA-256 digests in hex.
"""

from typing import Annotated, ClassVar

from pydantic import Field

from shared.contracts.message import Command, Int64, Query, Wire
from shared.contracts.tokens import Digest

LONGEST = 366 * 24 * 3600
"""Seconds of the longest session."""


class CreateSession(Command):
    """Make a session that acts as a token, for at most ``seconds``. It ends with the token."""

    service: ClassVar[str] = "access"
    token_digest: Digest
    new_digest: Digest
    seconds: Annotated[Int64, Field(ge=1, le=LONGEST)]


class SessionReply(Wire):
    """A new session's user and its end, in Unix milliseconds."""

    username: str
    expiry_time: Int64


class EndSession(Command):
    """End a session. It is no error if there is none."""

    service: ClassVar[str] = "access"
    session_digest: Digest


class EndSessions(Command):
    """End all sessions of the caller."""

    service: ClassVar[str] = "access"


class ListSessions(Query):
    """List the caller's sessions. ``own_digest`` is the digest of the caller's own session; empty if it has none."""

    service: ClassVar[str] = "access"
    own_digest: str = ""


class Session(Wire):
    """A session. Times are Unix milliseconds; ``last_used_time`` may be ten minutes behind."""

    token_name: str
    creation_time: Int64
    last_used_time: Int64
    expiry_time: Int64
    is_own: bool


class SessionsReply(Wire):
    """The sessions of the caller, the newest first."""

    sessions: list[Session]
