"""Access tokens: their form, and the digest that is stored.

Only its holder knows the text of a token. The process that creates a token sends the digest over the bus, so the
text is in no queue, no inbox and no table.
"""

import hashlib
import re
import secrets

TOKEN_PREFIX = "glpat-"  # noqa: S105
"""GitLab's prefix, the same for personal, project and group tokens. gitlab-mlops requires it, and 20 characters."""

RANDOM_BYTES = 20
"""The random part has 160 bits: 27 characters of the URL-safe alphabet."""

ACCEPTABLE = re.compile(r"[\x21-\x7e]{20,255}")
"""The form of a token that an operator chooses."""


def new_token() -> str:
    """Return a new random token."""
    return TOKEN_PREFIX + secrets.token_urlsafe(RANDOM_BYTES)


def digest_of(token: str) -> str:
    """Return the SHA-256 of a token in hex.

    A token is random, so neither a salt nor a slow hash would add protection.
    """
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()
