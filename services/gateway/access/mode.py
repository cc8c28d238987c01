"""Whether callers must show who they are."""

from typing import Literal

from services.gateway.http_settings import is_loopback

Mode = Literal["open", "token"]
"""``open`` lets anonymous clients use the root project as Developers; ``token`` asks for one."""


def mode_of(given: Mode | None, host: str) -> Mode:
    """Return the mode; if none is given a gateway that only this machine reaches is open."""
    return given or ("open" if is_loopback(host) else "token")
