"""Keeps secrets out of logs, as the last of several lines of defence.

Settings do not show their secrets, and nothing of ours logs one. But the messages of libraries'
exceptions are not ours: an address may be part of them, its password included.
"""

import re

HIDDEN = "***"

_SECRETS = re.compile(
    # scheme://user:password@host; the password ends with the last @ before the host.
    r"(?P<url>\b[a-z][a-z0-9+.-]*://[^\s:/@\"']*:)[^\s\"']+(?=@)"
    # What makes a presigned URL valid.
    r"|(?P<signed>\bX-Amz-(?:Signature|Credential|Security-Token)=)[^&\s\"'\\]+"
    r"|(?P<header>\b(?:Authorization|PRIVATE-TOKEN|JOB-TOKEN)[\"']?\s*[:=]\s*[\"']?)"
    r"(?:(?:Basic|Bearer)\s+)?[^\s\"',\\]+"
    r"|(?P<scheme>\b(?-i:Basic|Bearer)\s+)[A-Za-z0-9+/=._~-]{8,}"
    # Personal, project and group tokens of GitLab's form.
    r"|(?P<token>\bglpat-)[\w.-]+",
    re.IGNORECASE,
)


def redact(text: str) -> str:
    """Return the text without what looks like a secret."""
    return _SECRETS.sub(_hide, text)


def _hide(match: "re.Match[str]") -> str:
    return next(kept for kept in match.groups() if kept is not None) + HIDDEN
