"""Settings of the HTTP server: time and rate limits, allowed origins, proxies and TLS."""

from ipaddress import ip_address, ip_network
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, Field, PositiveFloat, PositiveInt, model_validator

from shared.runtime.files import ReadableFile


def _networks(text: str) -> str:
    """Return the text if it is a list of networks, separated by commas. Raises ValueError."""
    for each in text.split(","):
        if each.strip():
            ip_network(each.strip())
    return text


Networks = Annotated[str, AfterValidator(_networks)]


class HttpSettings(BaseModel):
    """Limits, browsers, encryption. Sizes of bodies are with the other settings."""

    header_timeout: PositiveFloat = Field(
        default=20.0, description="Seconds that a new connection may take to send its first request"
    )
    keepalive_timeout: PositiveFloat = Field(
        default=75.0,
        description="Seconds that an idle connection stays open; more than a proxy in front waits",
    )
    body_timeout: PositiveFloat = Field(
        default=60.0, description="Seconds that a request's body may take, except for artifacts"
    )
    stall_timeout: PositiveFloat = Field(
        default=60.0,
        description="Seconds without a byte after which an artifact's upload or download is ended",
    )
    allowed_hosts: str = Field(
        default="",
        description="Host headers to answer to, separated by commas, * as in file names; empty: "
        "localhost and private addresses where the gateway listens on loopback, else any",
    )
    cors_allowed_origins: str = Field(
        default="",
        description="Origins of other web pages that may use the API, separated by commas, * is any; "
        "localhost's always may",
    )
    rate_limit: float = Field(
        default=0.0,
        ge=0,
        description="Requests a second that a token may send to one gateway; 0 is no limit",
    )
    rate_burst: PositiveInt = Field(
        default=100, description="Requests that a token may send at once before the limit counts"
    )
    auth_failure_rate: float = Field(
        default=5.0,
        ge=0,
        description="Requests a second with invalid tokens, from one address to one gateway; 0 is no limit",
    )
    auth_failure_burst: PositiveInt = Field(
        default=100, description="Such requests that may come at once before the limit counts"
    )
    session_hours: PositiveFloat = Field(
        default=12.0,
        le=8760,
        description="Hours after which the session of a browser ends",
    )
    trusted_proxies: Networks = Field(
        default="",
        description="Addresses or networks of proxies in front, separated by commas. Their X-Forwarded-For names the "
        "client's address, and their X-Forwarded-Proto its scheme; of other senders these headers are ignored",
    )
    tls_cert_file: ReadableFile | None = Field(
        default=None, description="PEM file of the certificate and its chain, to serve HTTPS"
    )
    tls_key_file: ReadableFile | None = Field(
        default=None, description="PEM file of its key, if that is not in the same file"
    )

    @model_validator(mode="after")
    def _key_has_a_certificate(self) -> Self:
        if self.tls_key_file and not self.tls_cert_file:
            message = "WARREN_HTTP_TLS_KEY_FILE needs WARREN_HTTP_TLS_CERT_FILE beside it"
            raise ValueError(message)
        return self


def is_loopback(host: str) -> bool:
    """Return whether an address to listen on can be reached from this machine alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
