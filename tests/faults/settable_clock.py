"""A clock that can be set, for processes that read it instead of the machine's (libfaketime)."""

from importlib.util import find_spec
from pathlib import Path

import pytest


class SettableClock:
    """Tells the machine's time until it is set; only what says the date follows, no time-out does."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.set(0)

    def set(self, seconds: int) -> None:
        """Let it be so many seconds ahead."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{seconds:+d}")
        new.replace(self._file)

    @property
    def environment(self) -> dict[str, str]:
        """What a process must be started with to read it."""
        found = find_spec("libfaketime")
        if found is None or found.origin is None:
            pytest.skip("libfaketime has no wheel for this platform")
        library = Path(found.origin).parent / "vendor/libfaketime/src/libfaketime.so.1"
        return {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
