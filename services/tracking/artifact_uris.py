"""Where artifacts lie below an experiment's artifact location."""

import re

_PATH_AND_REST = re.compile(r"([^?#]*)(.*)", re.DOTALL)


def below(location: str, *segments: str) -> str:
    """Return the URI of a directory below a location, whose query string stays at the end.

    The rule is that of ``append_to_uri_path`` in ``mlflow/utils/uri.py``.
    """
    match = _PATH_AND_REST.fullmatch(location)
    path, rest = match.groups() if match else (location, "")
    return "/".join([path.rstrip("/"), *segments]) + rest
