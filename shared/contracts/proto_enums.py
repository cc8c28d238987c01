"""The values of protobuf's enums in proto-JSON: a name, or a number."""

from enum import StrEnum
from typing import Self


class ProtoEnum(StrEnum):
    """Base class of enums whose members stand in the order of protobuf's numbers, from 0 on."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        """Return the member with this number."""
        number = int(value) if isinstance(value, int | str) and str(value).isdecimal() else -1
        return list(cls)[number] if 0 <= number < len(cls) else None

    @property
    def number(self) -> int:
        """Protobuf's number."""
        return list(type(self)).index(self)
