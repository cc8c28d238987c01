"""Bounds the bytes of OTLP bodies that a gateway holds at the same time."""

from typing import Self

from shared.contracts.errors import DomainError, ErrorCode


class Room:
    """A number of bytes that requests share."""

    def __init__(self, size: int) -> None:
        self._left = size

    def lease(self) -> "Lease":
        """Return the share of one request, which is empty at first."""
        return Lease(self)

    def take(self, size: int) -> None:
        """Take bytes. Raises DomainError(REQUEST_LIMIT_EXCEEDED) if they are not there."""
        if size > self._left:
            message = "The gateway holds as many spans as it may. Nothing was stored; retry."
            raise DomainError(ErrorCode.REQUEST_LIMIT_EXCEEDED, message)
        self._left -= size

    def give_back(self, size: int) -> None:
        """Give bytes back."""
        self._left += size


class Lease:
    """The bytes that one request has taken. The end of the ``with`` block gives them back."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._room.give_back(self._size)

    def take(self, size: int) -> None:
        """Take more bytes. Raises DomainError(REQUEST_LIMIT_EXCEEDED) if they are not there."""
        self._room.take(size)
        self._size += size
