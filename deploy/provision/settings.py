"""Settings of provisioning: addresses for administrators, and addresses of the services."""

from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from pydantic import Field, PositiveFloat
from pydantic_settings import BaseSettings

from deploy.services import POSTGRES_SERVICES
from services.artifacts.settings import S3Settings
from shared.postgres.provision import SchemaOwner
from shared.runtime.addresses import AmqpUrl, PostgresDsn
from shared.runtime.settings import CONFIG, PREFIX, LogLevel, TransientQueues
from shared.runtime.starting import StartError


class ProvisionSettings(BaseSettings):
    """Prepare PostgreSQL, RabbitMQ and the S3 server for the services, then exit.

    Each service with a DSN gets its role and its schema, which is migrated. RabbitMQ gets the queues, and an account
    for each part of Warren. The S3 server gets the bucket, and a user for the artifacts service.

    Every option is also an environment variable, WARREN_<NAME>.
    """

    model_config = CONFIG

    admin_dsn: PostgresDsn = Field(
        default="",
        repr=False,
        description="PostgreSQL as a user that may create roles and databases; "
        "where empty, roles and schemas must be there and are only migrated",
    )
    tracking_dsn: PostgresDsn = Field(
        default="", repr=False, description="Tracking's own PostgreSQL address"
    )
    registry_dsn: PostgresDsn = Field(
        default="", repr=False, description="Registry's own PostgreSQL address"
    )
    traces_dsn: PostgresDsn = Field(
        default="", repr=False, description="Traces' own PostgreSQL address"
    )
    access_dsn: PostgresDsn = Field(
        default="", repr=False, description="Access's own PostgreSQL address"
    )
    amqp_admin_url: AmqpUrl = Field(
        default="",
        repr=False,
        description="RabbitMQ as a user with the tag `administrator`; where empty, accounts and queues "
        "must be there, or processes must share an account that may declare them",
    )
    amqp_api_url: str = Field(
        default="",
        pattern=r"^(https?://[^/?#@]+/?)?$",
        description="RabbitMQ's management API, as http://host:15672; where empty, on the "
        "administrator's host at that port, or at 15671 with TLS",
    )
    amqp_urls: dict[str, AmqpUrl] = Field(
        default={},
        repr=False,
        description="RabbitMQ as each part of Warren logs in, as JSON: "
        '{"gateway": "amqp://gateway:password@host:5672/", "tracking": …}; also registry, traces, '
        "artifacts, access and cli. An account is made for each",
    )
    transient_queues: TransientQueues = Field(
        default="classic",
        description="Type of the queues of requests, as in the services",
    )
    s3: S3Settings | None = Field(
        default=None, description="The storage, by the keys that the artifacts service gets"
    )
    s3_admin_access_key: str = Field(
        default="",
        repr=False,
        description="Access key of the administrator of MinIO, or of a server with its administration API: makes the "
        "bucket, and a user with the access key and the secret key above, who may use that bucket alone. "
        "Where empty, user and bucket are yours to make",
    )
    s3_admin_secret_key: str = Field(
        default="", repr=False, description="The administrator's secret key"
    )
    provision_timeout: PositiveFloat = Field(
        default=60.0, description="Seconds to wait for a server that is still starting"
    )
    log_level: LogLevel = Field(default="info", description="Least severe level that is logged")

    @property
    def dsns(self) -> Mapping[str, str]:
        """The given DSNs, by service."""
        return {name: dsn for name in POSTGRES_SERVICES if (dsn := getattr(self, f"{name}_dsn"))}


def schema_owner(service: str, dsn: str) -> tuple[str, SchemaOwner]:
    """Return the database and the role of a service's schema from its DSN.

    Raises StartError, without the password in it.
    """
    parts = urlsplit(dsn)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    database = unquote(parts.path.removeprefix("/"))
    if not (user and password and database):
        message = f"{PREFIX}{service.upper()}_DSN must name a user, a password and a database."
        raise StartError(message)
    return database, SchemaOwner(service, user, password)
