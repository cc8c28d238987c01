"""What a name becomes before anything is stored, or looked for, under it.

MLflow's clients change what they read in a listing: they decode it until nothing changes, and more
(``validate_path_is_safe`` in ``mlflow/utils/uri.py``). They ask for the outcome, not for what was listed. So a name is
brought into that form at every way in, and what is stored is what every client asks for. The form is its own form:
the same again changes nothing.
"""

import re
from collections.abc import Mapping
from urllib.parse import unquote, urlparse, urlunparse

MOST_DECODINGS = 10
"""Those of ``_decode`` in ``mlflow/utils/uri.py``. The longest key could hold hundreds of them."""

# Python's parser of URLs, which the clients' form is made with, drops these wherever they are.
_DROPPED = str.maketrans("\\\0", "__", "\t\n\r")
# Clients cut a path off at these two, those of Windows refuse a listing with a backslash, and no message may hold NUL.
_CUT = re.compile("[?#]")
_DROPPED_AND_CUT = _DROPPED | str.maketrans("?#", "__")
# It drops these at the beginning, from Python 3.11.4 on; so that older clients find the same, we always do.
_DROPPED_IN_FRONT = "".join(map(chr, range(0x21)))
_CONTROL = re.compile("[\x00-\x1f\x7f]")
_SETTLED = re.compile(r"[A-Za-z0-9_./=+-]*")
"""Almost all paths, at a glance."""


class UnstableNameError(Exception):
    """The name has no form that clients leave as it is."""


def settled_path(path: str) -> str:
    """Return the form of a path, segment by segment; a slash that was percent-encoded divides, too.

    Raises UnstableNameError.
    """
    if _SETTLED.fullmatch(path):
        return path
    # Old clients' log_image names files ``images/key%step%23%…``: what is cut there comes to light by decoding alone.
    changed = _DROPPED if _CUT.search(path) else _DROPPED_AND_CUT
    return "/".join(_settled(name, changed) for name in decoded(path).split("/"))


def decoded(text: str) -> str:
    """Percent-decode a text until nothing changes. Raises UnstableNameError."""
    for _ in range(MOST_DECODINGS):
        once = unquote(text)
        if once == text:
            return text
        text = once
    raise UnstableNameError


def _settled(name: str, changed: Mapping[int, int | None]) -> str:
    """Return the form of one name, which holds no percent-encoding that could be decoded.

    ``changed`` tells, as ``str.translate`` takes it, which characters are dropped or replaced.
    """
    for _ in range(MOST_DECODINGS):
        # A name in front of which control characters were dropped may begin with spaces, and so on.
        plain = decoded(name).translate(changed).lstrip(_DROPPED_IN_FRONT)
        parsed = _parsed(plain)
        if parsed == name:
            return _CONTROL.sub(_escaped, name)
        name = parsed
    raise UnstableNameError


def _parsed(name: str) -> str:
    """Do what a URL does to a name: a scheme becomes lower case, an empty query or fragment goes."""
    try:
        parsed = urlunparse(urlparse(name))
    except ValueError:
        raise UnstableNameError from None
    # ``http:x`` becomes ``http:///x``, which is no name any more.
    return name if "/" in parsed else parsed


def _escaped(found: re.Match[str]) -> str:
    return f"%{ord(found[0]):02x}"


def is_listed_as_it_is(name: str) -> bool:
    """Tell whether clients can ask for a settled name that they have read in a listing.

    They refuse listings with ``#``, cut a path off at ``?``, and take ``http:x`` for a URL.
    """
    if "#" in name or "?" in name:
        return False
    try:
        return "/" not in urlunparse(urlparse(name))
    except ValueError:
        return False
