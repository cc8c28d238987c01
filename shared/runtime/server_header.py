"""The header ``Server`` of all listeners: a name, without versions that an attacker could look up."""

from aiohttp import web_response

SERVER = "Warren"


def hide_versions() -> None:
    """Set the header to the name only, in every answer of this process.

    aiohttp adds the header to responses without one, also to its refusals of malformed requests, and has no
    setting for it. It reads this constant for each response. So the change costs nothing per request,
    unlike a header that is set on each response.
    """
    vars(web_response)["SERVER_SOFTWARE"] = SERVER
