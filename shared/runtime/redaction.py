"""Removes secrets from log lines, as the last of several lines of defence.

Settings do not show their secrets, and Warren's code logs none. But the texts of libraries' exceptions may
contain an address with its password.
"""

import re

HIDDEN = "***"

_SECRETS = re.compile(
    # scheme://user:password@host. The last @ ends the password, which may contain others.
    r"(?P<url>\b[a-z][a-z0-9+.-]*://[^\s:/@\"']*:)[^\s\"']+(?=@)"
    # The parameters that make a presigned URL valid.
    r"|(?P<signed>\bX-Amz-(?:Signature|Credential|Security-Token)=)[^&\s\"'\\]+"
    r"|(?P<header>\b(?:Authorization|PRIVATE-TOKEN|JOB-TOKEN)[\"']?\s*[:=]\s*[\"']?)"
    r"(?:(?:Basic|Bearer)\s+)?[^\s\"',\\]+"
    r"|(?P<scheme>\b(?-i:Basic|Bearer)\s+)[A-Za-z0-9+/=._~-]{8,}"
    # Personal, project and group tokens of GitLab's form.
    r"|(?P<token>\bglpat-)[\w.-]+",
    re.IGNORECASE,
)


def redact(text: str) -> str:
    """Return the text with ``***`` in place of everything that looks like a secret."""
    return _SECRETS.sub(_hide, text)


def _hide(match: "re.Match[str]") -> str:
    return next(kept for kept in match.groups() if kept is not None) + HIDDEN
