"""Access tokens: what they look like, and what is kept of them.

The text of a token is known to its holder alone. Whoever makes one sends its digest over the bus, so
that the text is in no queue, no inbox and no table.
"""

import hashlib
import re
import secrets

PREFIX = "glpat-"
"""GitLab's, for personal, project and group tokens alike. gitlab-mlops demands it, and 20 characters."""

RANDOM_BYTES = 20
"""Makes 27 characters of the URL-safe alphabet, 160 bits."""

ACCEPTABLE = re.compile(r"[\x21-\x7e]{20,255}")
"""A token that an operator thought of."""


def new_token() -> str:
    """Return a token that nobody can guess."""
    return PREFIX + secrets.token_urlsafe(RANDOM_BYTES)


def digest_of(token: str) -> str:
    """Return the SHA-256 of a token in hex.

    A token is random, so that neither salt nor slowness would protect it any better.
    """
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()
