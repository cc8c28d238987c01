"""Reads the settings of processes from environment variables ``WARREN_*`` or from flags of the same names.

A group of settings, such as a service's database, is a field, whose name comes first in the variable:
``WARREN_TRACKING_POOL_SIZE`` is ``tracking.pool_size``, and ``--tracking.pool-size`` on the command line.
"""

import sys
from collections.abc import Iterator
from typing import Annotated, Any, Literal, NoReturn, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, Field, PositiveFloat, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from shared.contracts.errors import DomainError, ErrorCode
from shared.runtime.addresses import AmqpUrl, PostgresDsn, PostgresDsns, each_dsn

PREFIX = "WARREN_"

USAGE = 2
"""The exit code for wrong settings, the same as for unknown flags."""

CONFIG = SettingsConfigDict(
    env_prefix=PREFIX,
    env_nested_delimiter="_",
    env_nested_max_split=1,
    extra="ignore",
    cli_kebab_case=True,
)
"""How the settings of every process are read: see the module's docstring."""

S = TypeVar("S", bound=BaseSettings)


def _lowered(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


LogLevel = Annotated[
    Literal["debug", "info", "warning", "error"],
    BeforeValidator(_lowered),
]
"""The least severe level that is logged. Upper case is accepted, too."""


TransientQueues = Literal["classic", "quorum"]
"""The type of the queues of transient messages. ``classic`` is on one node and faster, ``quorum`` is replicated."""


class MonitorSettings(BaseModel):
    """The address of a process's monitor: see ``shared.runtime.health``."""

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
    """The collector of traces. ``OTEL_EXPORTER_OTLP_*`` set more, such as headers with a collector's token."""

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
        description="Share of the requests that are traced, from 0 to 1, unless their client has decided",
    )


class PostgresServiceSettings(BaseModel):
    """The settings of a service on PostgreSQL and the bus."""

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
        default=32, ge=1, description="Query frames that a process works on at a time"
    )
    query_timeout: PositiveFloat = Field(
        default=25.0,
        description="Seconds after which a query is cancelled and answered with 503; less than "
        "WARREN_REQUEST_TIMEOUT, after which the gateway has answered without it",
    )

    @property
    def replica_dsns(self) -> list[str]:
        """The addresses of read replicas."""
        return []


class ReplicatedServiceSettings(PostgresServiceSettings):
    """The settings of a service whose queries may run on read replicas."""

    replicas: PostgresDsns = Field(
        default="",
        repr=False,
        description="Standbys of that PostgreSQL on which queries may run, as addresses of the same kind, "
        "separated by commas; each gets POOL_SIZE connections",
    )

    @property
    def replica_dsns(self) -> list[str]:
        """The addresses of read replicas."""
        return each_dsn(self.replicas)


class ProcessSettings(BaseSettings):
    """The settings that every service reads."""

    model_config = CONFIG

    amqp_url: AmqpUrl = Field(
        default="amqp://guest:guest@127.0.0.1:5672/",
        repr=False,
        description="RabbitMQ, as amqp://user:password@host:port/vhost, a cluster's nodes as "
        "host:port,host:port; with TLS as amqps://…, ?cafile= its authority, certfile= and keyfile= "
        "a client certificate",
    )
    transient_queues: TransientQueues = Field(
        default="classic",
        description="quorum: requests survive the loss of a node of RabbitMQ's cluster; "
        "classic: each takes some milliseconds less. Where processes disagree it is quorum",
    )
    log_level: LogLevel = Field(default="info", description="Least severe level that is logged")
    monitor: MonitorSettings = Field(
        default=MonitorSettings(), description="Its listener for operators"
    )
    tracing: TracingSettings = Field(default=TracingSettings(), description="Its traces")


class WrongSettingsError(DomainError):
    """Wrong settings. The message has a line for each of them."""


def read_settings(kind: type[S]) -> S:
    """Read the settings of this process, or exit with code 2 and a line for each wrong setting.

    ``kind`` is defined in ``<package>.settings``, and the process is ``python -m <package>``.
    """
    program = f"python -m {kind.__module__.rpartition('.')[0]}"
    try:
        return kind(_cli_parse_args=True, _cli_prog_name=program, **_empty_groups(kind))
    except (ValidationError, SettingsError) as error:
        exit_with(_faults(error))


def exit_with(faults: str) -> NoReturn:
    """Write the faults to stderr, and exit with the code for wrong settings."""
    sys.stderr.write(f"{faults}\n")
    sys.exit(USAGE)


def read_environment(kind: type[S]) -> S:
    """Read settings from variables only, without flags. Raises WrongSettingsError."""
    try:
        return kind(**_empty_groups(kind))
    except (ValidationError, SettingsError) as error:
        raise WrongSettingsError(ErrorCode.INVALID_PARAMETER_VALUE, _faults(error)) from None


def variables(kind: type[BaseModel], prefix: str = PREFIX) -> Iterator[str]:
    """Yield the names of the variables from which settings are read."""
    for name, field in kind.model_fields.items():
        variable = prefix + name.upper()
        group = group_of(field.annotation)
        yield from variables(group, f"{variable}_") if group else (variable,)


def group_of(annotation: object) -> type[BaseModel] | None:
    """Return the class of the group that a field holds, or may hold; None if it holds no group."""
    for each in (annotation, *get_args(annotation)):
        if isinstance(each, type) and issubclass(each, BaseModel):
            return each
    return None


def _empty_groups(kind: type[BaseModel]) -> dict[str, Any]:
    """Return an empty value for each group that is not optional.

    If no variable of a group is set, pydantic reports only that the group is missing. With an empty group
    it reports each missing setting by name.
    """
    return {
        name: {}
        for name, field in kind.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
    }


def _faults(error: ValidationError | SettingsError) -> str:
    if isinstance(error, SettingsError):
        # pydantic-settings reads the variable of a whole group, such as WARREN_MONITOR, as JSON.
        return (
            f"{str(error).capitalize()}: that takes JSON; WARREN_<GROUP>_<NAME> takes a plain text."
        )
    lines = (
        f"{PREFIX}{'_'.join(str(part) for part in each['loc']).upper()}: {each['msg'].removeprefix('Value error, ')}"
        for each in error.errors()
    )
    return "\n".join(lines)
