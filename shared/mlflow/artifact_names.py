"""Brings artifact names into their settled form: the form in which MLflow's clients ask for them.

MLflow's clients change the names that they read in a listing: they percent-decode a name until nothing changes, and
more (``validate_path_is_safe`` in ``mlflow/utils/uri.py``). Then they ask for the changed name, not for the listed one.
So every path is settled before an artifact is stored or looked for under it, and each client finds what is stored.
Settling a settled name changes nothing.
"""

import re
from collections.abc import Mapping
from urllib.parse import unquote, urlparse, urlunparse

MOST_DECODINGS = 10
"""MLflow's limit, in ``_decode`` of ``mlflow/utils/uri.py``. The longest key could be encoded hundreds of times."""

# Tab, newline and carriage return go: the clients use Python's URL parser, which drops them wherever they are.
# Backslash and NUL become "_": clients on Windows refuse a listing with a backslash, and no message may hold NUL.
_DROPPED = str.maketrans("\\\0", "__", "\t\n\r")
# Clients cut a path off at these two characters.
_CUT = re.compile("[?#]")
_DROPPED_AND_CUT = _DROPPED | str.maketrans("?#", "__")
# Since 3.11.4 Python's URL parser drops these at the beginning. They always go here, so that older clients find the
# same names.
_DROPPED_IN_FRONT = "".join(map(chr, range(0x21)))
_CONTROL = re.compile("[\x00-\x1f\x7f]")
_SETTLED = re.compile(r"[A-Za-z0-9_./=+-]*")
"""Matches almost all paths: they are settled already, and need no further work."""


class UnstableNameError(Exception):
    """The name has no settled form: clients would change every form of it."""


def settled_path(path: str) -> str:
    """Return the settled form of a path, segment by segment. A percent-encoded slash separates segments, too.

    Raises UnstableNameError.
    """
    if _SETTLED.fullmatch(path):
        return path
    # A "?" or "#" that only appears by decoding becomes "_": old clients' log_image names files
    # ``images/key%step%23%…``. One that the client wrote itself stays, and ``file_key`` refuses it.
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
    """Return the settled form of one name, which is percent-decoded already.

    ``changed`` is the table for ``str.translate`` of the characters that are dropped or replaced. Raises
    UnstableNameError.
    """
    for _ in range(MOST_DECODINGS):
        # One change can make room for another: "%4\n1" without its newline is "%41". So this repeats.
        plain = decoded(name).translate(changed).lstrip(_DROPPED_IN_FRONT)
        parsed = _parsed(plain)
        if parsed == name:
            # The control characters that are left are stored percent-encoded.
            return _CONTROL.sub(_escaped, name)
        name = parsed
    raise UnstableNameError


def _parsed(name: str) -> str:
    """Return a name as Python's URL parser writes it: scheme in lower case, no empty query or fragment."""
    try:
        parsed = urlunparse(urlparse(name))
    except ValueError:
        raise UnstableNameError from None
    # ``http:x`` would become ``http:///x``, which is not one name. It stays as it is.
    return name if "/" in parsed else parsed


def _escaped(found: re.Match[str]) -> str:
    return f"%{ord(found[0]):02x}"


def is_listed_as_it_is(name: str) -> bool:
    """Tell whether clients can ask for a settled name after reading it in a listing.

    They refuse a listing with ``#``, cut a path off at ``?``, and take ``http:x`` for a URL.
    """
    if "#" in name or "?" in name:
        return False
    try:
        return "/" not in urlunparse(urlparse(name))
    except ValueError:
        return False
