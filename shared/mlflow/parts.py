"""Answers in parts: an answer that is too long for one message is sent as pieces of one JSON text.

The service makes a part of bounded size. If another one follows, the part says what the next query must contain for
it. The gateway joins the texts without reading them (ADR 70).
"""

from dataclasses import dataclass

_CONTINUED = b"continued "
"""The first bytes of a part that has a successor. No JSON text begins with them."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a JSON text. The query for the next piece contains ``continuation``; None: this is the last piece."""

    text: bytes
    continuation: str | None = None

    def encode(self) -> bytes:
        """Return the body of an answer. The last part is its text alone, so a short answer is plain JSON."""
        if self.continuation is None:
            return self.text
        return b"%b%b\n%b" % (_CONTINUED, self.continuation.encode(), self.text)

    @classmethod
    def decode(cls, body: bytes) -> "Part":
        """Read what ``encode`` wrote."""
        if not body.startswith(_CONTINUED):
            return cls(body)
        end = body.index(b"\n")
        return cls(body[end + 1 :], body[len(_CONTINUED) : end].decode())
