"""The JSON of a page. Its items come from the database as JSON."""

from pydantic_core import to_json


def page_json(name: str, items: bytes, next_page_token: str | None) -> bytes:
    """Return ``{"runs":[…],"next_page_token":"…"}``; no token on the last page."""
    return b'{"%b":[%b%b' % (name.encode(), items, page_end(next_page_token))


def page_end(next_page_token: str | None) -> bytes:
    """Return what follows the last item of a page."""
    token = b',"next_page_token":' + to_json(next_page_token) if next_page_token else b""
    return b"]%b}" % token
