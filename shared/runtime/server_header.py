"""The header ``Server`` of our listeners: a name, and no versions that an attacker could look up."""

from aiohttp import web_response

SERVER = "Warren"


def hide_versions() -> None:
    """Let every answer of this process, refusals of malformed requests included, say only our name.

    aiohttp writes the header where a response has none, and has no setting for it. Its constant is read
    for each response, so this costs a request nothing, unlike a header of each response.
    """
    vars(web_response)["SERVER_SOFTWARE"] = SERVER
