"""Settings of processes: environment variables ``WARREN_*``, or flags of the same names.

A group of settings, such as a service's database, is a field whose name comes first:
``WARREN_TRACKING_POOL_SIZE`` is ``tracking.pool_size``, on the command line ``--tracking.pool-size``.
"""

import sys
from collections.abc import Iterator
from typing import Annotated, Any, Literal, NoReturn, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, CliApp, SettingsConfigDict, SettingsError

from shared.contracts.errors import DomainError, ErrorCode
from shared.runtime.addresses import AmqpUrl, PostgresDsn

PREFIX = "WARREN_"

USAGE = 2
"""The exit code of a process that was started with wrong settings, as of one with unknown flags."""

S = TypeVar("S", bound=BaseSettings)


def _lowered(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


LogLevel = Annotated[
    Literal["debug", "info", "warning", "error"],
    BeforeValidator(_lowered),
]
"""Least severe level that is logged; in upper case it is as good."""


TransientQueues = Literal["classic", "quorum"]
"""The type of the queues of transient messages: one node's, which is faster, or replicated over a cluster."""


class MonitorSettings(BaseModel):
    """Where a process tells operators about itself: see ``shared.runtime.health``."""

    host: str = Field(
        default="127.0.0.1", description="Address of the listener for probes and metrics"
    )
    port: int | None = Field(
        default=None,
        ge=0,
        le=65535,
        description="Its port: /health/live, /health/ready, /metrics; 0 takes a free one, none is off",
    )


class TracingSettings(BaseModel):
    """Where traces go; ``OTEL_EXPORTER_OTLP_*`` say more, such as the headers of a collector's token."""

    endpoint: str = Field(
        default="",
        pattern=r"^(https?://[^\s@]+)?$",
        description="Collector of OpenTelemetry's traces (OTLP over HTTP), as "
        "http://host:4318/v1/traces; empty: none. Needs the extra `tracing`",
    )
    ratio: float = Field(
        default=1.0,
        ge=0,
        le=1,
        description="Part of the requests that are traced, unless their client has decided",
    )


class PostgresServiceSettings(BaseModel):
    """What a service on PostgreSQL and the bus needs to know."""

    dsn: PostgresDsn = Field(
        repr=False,
        description="PostgreSQL, as postgresql://user:password@host:port/database; "
        "?sslmode=verify-full&sslrootcert= checks its certificate",
    )
    pool_size: int = Field(
        default=8, ge=2, description="Connections to PostgreSQL that a process may open"
    )
    command_frames: int = Field(
        default=2, ge=1, description="Command frames that a process works on at a time"
    )
    query_frames: int = Field(
        default=8, ge=1, description="Query frames that a process works on at a time"
    )


class ProcessSettings(BaseSettings):
    """Variables that every service reads."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="_",
        env_nested_max_split=1,
        extra="ignore",
        cli_kebab_case=True,
    )

    amqp_url: AmqpUrl = Field(
        default="amqp://guest:guest@127.0.0.1:5672/",
        repr=False,
        description="RabbitMQ, as amqp://user:password@host:port/vhost, a cluster's nodes as "
        "host:port,host:port; with TLS as amqps://…, ?cafile= its authority, certfile= and keyfile= "
        "a certificate of ours",
    )
    transient_queues: TransientQueues = Field(
        default="classic",
        description="quorum: reads and metrics survive the loss of a node of RabbitMQ's cluster; "
        "classic: each takes some milliseconds less. Where processes disagree it is quorum",
    )
    log_level: LogLevel = Field(default="info", description="Least severe level that is logged")
    monitor: MonitorSettings = Field(
        default=MonitorSettings(), description="Its listener for operators"
    )
    tracing: TracingSettings = Field(default=TracingSettings(), description="Its traces")


class WrongSettingsError(DomainError):
    """Variables that can't be what they are; the message has a line for each."""


def read_settings(kind: type[S]) -> S:
    """Read the settings of this process, or leave with code 2 and a line for each that is wrong."""
    try:
        return CliApp.run(kind, **_empty_groups(kind))
    except (ValidationError, SettingsError) as error:
        leave(_faults(error))


def leave(faults: str) -> NoReturn:
    """Leave because of wrong settings."""
    sys.stderr.write(f"{faults}\n")
    sys.exit(USAGE)


def read_environment(kind: type[S]) -> S:
    """Read settings from variables alone. Raises WrongSettingsError with a line for each that is wrong."""
    try:
        return kind(**_empty_groups(kind))
    except (ValidationError, SettingsError) as error:
        raise WrongSettingsError(ErrorCode.INVALID_PARAMETER_VALUE, _faults(error)) from None


def variables(kind: type[BaseModel], prefix: str = PREFIX) -> Iterator[str]:
    """List the names of the variables that settings are read from."""
    for name, field in kind.model_fields.items():
        variable = prefix + name.upper()
        group = group_of(field.annotation)
        yield from variables(group, f"{variable}_") if group else (variable,)


def group_of(annotation: object) -> type[BaseModel] | None:
    """Return the group of settings that a field holds, or may hold."""
    for each in (annotation, *get_args(annotation)):
        if isinstance(each, type) and issubclass(each, BaseModel):
            return each
    return None


def _empty_groups(kind: type[BaseModel]) -> dict[str, Any]:
    """Return an empty group for each: of one without any setting pydantic only says that it is missing.

    An empty group lets it name what the group needs.
    """
    return {
        name: {}
        for name, field in kind.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
    }


def _faults(error: ValidationError | SettingsError) -> str:
    if isinstance(error, SettingsError):
        # A group's own variable, such as WARREN_MONITOR, is read as JSON.
        return (
            f"{str(error).capitalize()}: that takes JSON; WARREN_<GROUP>_<NAME> takes a plain text."
        )
    lines = (
        f"{PREFIX}{'_'.join(str(part) for part in each['loc']).upper()}: {each['msg'].removeprefix('Value error, ')}"
        for each in error.errors()
    )
    return "\n".join(lines)
