"""The gateway's settings: environment variables ``WARREN_*``, or flags of the same names."""

from typing import Annotated

from pydantic import BeforeValidator, DirectoryPath, Field, PositiveFloat, PositiveInt
from pydantic_settings import SettingsConfigDict

from services.gateway.auth.mode import Mode
from services.gateway.http.settings import HttpSettings
from services.gateway.ui.directory import UiDirectory
from shared.contracts import limits
from shared.runtime.files import AuthorityFile
from shared.runtime.settings import PREFIX, ProcessSettings

ModelPrices = Annotated[DirectoryPath | None, BeforeValidator(lambda value: value or None)]
"""The path of a directory. An empty text is None."""

GitLabUrl = Annotated[str, Field(pattern=r"^(https?://[^\s/]\S*)?$")]


class Settings(ProcessSettings):
    """HTTP in front of the bus. Every setting is also an environment variable, WARREN_<NAME>."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        cli_kebab_case=True,
        cli_prog_name="python -m services.gateway",
        use_attribute_docstrings=True,
    )

    host: str = "127.0.0.1"
    """Address to listen on."""

    port: int = Field(default=5000, ge=0, le=65535)
    """TCP port to listen on; 0 takes a free one."""

    reuse_port: bool = False
    """Let several gateways of one machine listen on the same port (SO_REUSEPORT)."""

    request_timeout: PositiveFloat = 30.0
    """Seconds until a request without an answer gets 503."""

    access_mode: Mode | None = None
    """open: anonymous clients use the root project as Developers; token: all clients need a token;
    unset: open if the gateway listens on loopback, except for requests through a proxy; otherwise token."""

    max_body_bytes: PositiveInt = limits.INPUTS_BODY
    """Largest request body, in bytes. Only log-inputs may send 32 MiB; log-batch may send 16 MiB, other requests 8."""

    max_artifact_bytes: PositiveInt = 5 * 1024**3
    """Largest artifact that a client may upload."""

    max_otlp_bytes: PositiveInt = limits.OTLP_BODY
    """Largest body of spans (OTLP), inflated; as JSON 8 MiB."""

    max_otlp_bytes_held: PositiveInt = 4 * limits.OTLP_BODY
    """Bytes of such bodies that the gateway holds at the same time; what comes beyond is answered with 429."""

    model_prices: ModelPrices = None
    """Directory of MLflow's model catalogue, by which traces are given costs; empty: no costs but those that clients
    send. The image has it in /model-prices."""

    direct_artifacts: bool = False
    """Let clients move large artifacts to and from the storage's public endpoint by themselves."""

    gitlab_url: GitLabUrl = ""
    """Address of the GitLab whose projects these are. The links (web_url) in answers of GitLab's REST API then lead to
    the same path there."""

    ui_directory: UiDirectory = None
    """Directory of MLflow's web UI, which is served at /; empty: no UI. The image has it in /ui."""

    storage_ca_file: AuthorityFile | None = None
    """PEM file of the authority that signed the S3 server's certificate, as WARREN_S3_CA_FILE."""

    drain_timeout: PositiveFloat = 20.0
    """Seconds that requests under way are given to finish after SIGTERM."""

    http: HttpSettings = HttpSettings()
    """Limits, browsers, encryption."""
