"""Settings of the access service."""

from typing import Annotated

from pydantic import AfterValidator, Field

from shared.contracts.token_digests import ACCEPTABLE
from shared.runtime.settings import PostgresServiceSettings, ProcessSettings


def _acceptable(token: str) -> str:
    if token and not ACCEPTABLE.fullmatch(token):
        message = "a token has 20 to 255 printable characters without spaces"
        raise ValueError(message)
    return token


RootToken = Annotated[str, AfterValidator(_acceptable)]


class AccessSettings(ProcessSettings):
    """The access service: users, groups, projects, members, tokens.

    Every setting is also an environment variable, as in WARREN_ACCESS_DSN.
    """

    access: PostgresServiceSettings = Field(description="Its database and how it is used")
    root_token: RootToken = Field(
        default="",
        repr=False,
        description="A token of the first administrator; empty: the first start makes one and "
        "prints it",
    )
