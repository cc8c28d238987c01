"""Keeps artifacts out of the names that SeaweedFS reserves.

A listing of SeaweedFS leaves a directory ``.uploads`` out, and takes a directory that ends in ``.versions`` for the
versions of one object. Files in such a directory could be neither listed nor deleted. So the key of an artifact has
the period of such a name percent-encoded. No settled name contains ``%2e``, because settling decodes it: no two paths
get the same key.
"""

import re

# ``(?![^/])`` is the end of a segment, ``(?<![^/])`` its beginning.
_RESERVED = re.compile(r"(?<![^/])\.(?=uploads(?![^/]))|\.(?=versions(?![^/]))")
_ESCAPED = re.compile(r"\A%2e(?=uploads\Z)|%2e(?=versions\Z)")


def escaped(path: str) -> str:
    """Return the key of a settled path, with the reserved names among its segments escaped."""
    return _RESERVED.sub("%2e", path)


def unescaped(name: str) -> str:
    """Return the name of an artifact from the last segment of its key."""
    return _ESCAPED.sub(".", name)
