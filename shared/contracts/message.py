"""Base classes of every message, and the scalar types of MLflow's proto-JSON.

The contract is MLflow-shaped: its field names are the wire's names, so no second set of request
models exists. Proto-JSON (protobuf's JSON mapping, as ``mlflow.utils.proto_json_utils`` reads it):
fields come in snake_case or lowerCamelCase, int64 as number or string, doubles may be ``"NaN"``,
``"Infinity"`` or ``"-Infinity"``, null means unset, unknown fields are ignored.
"""

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, ClassVar, Literal, Self, cast

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from shared.contracts import limits
from shared.contracts.validation import reject_nul, to_domain_error, without_nulls

INT64_MAX = 2**63 - 1

Kind = Literal["commands", "transient-commands", "queries"]
"""What a queue is for. The broker keeps commands on disk; of transient ones (ADR 9), as of queries, it
keeps nothing: whoever sent them is waiting, and sends them again.
"""


_LONGEST_NUMBER = 100
"""Characters of a number as text; the longest that protobuf itself writes has 20."""


def _read_exactly(text: str) -> int:
    """Read an integer that is written with an exponent or a point, as in ``1e+05``.

    Raises ValueError for a fraction, and for what is no number.
    """
    if len(text) > _LONGEST_NUMBER:
        message = "too long for a number"
        raise ValueError(message)
    try:
        number = Decimal(text)
    except InvalidOperation:
        message = "not a number"
        raise ValueError(message) from None
    # The exponent comes first: writing 1e999999999 as an integer would take a gigabyte.
    within = number.is_finite() and number.adjusted() < _LONGEST_NUMBER
    if not within or number != number.to_integral_value():
        message = "not an integer"
        raise ValueError(message)
    return int(number)


class ProtoInteger:
    """Annotation of an integer as proto-JSON has it: a number, or its text, be it with an exponent.

    R's client writes 100000 as ``"1e+05"``. The fraction of a number is dropped, since MLflow's server
    and GitLab's accept one; a text with a fraction both refuse. pydantic's lax mode would take ``true``
    for 1, which protobuf refuses.
    """

    def __init__(self, bits: int) -> None:
        self._low, self._high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
        self._format = f"int{bits}"

    def __get_pydantic_core_schema__(
        self, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        integer = core_schema.int_schema(ge=self._low, le=self._high)
        return core_schema.union_schema(
            [
                core_schema.int_schema(ge=self._low, le=self._high, strict=True),
                core_schema.chain_schema([core_schema.str_schema(strict=True), integer]),
                core_schema.chain_schema(
                    [
                        core_schema.str_schema(strict=True),
                        core_schema.no_info_plain_validator_function(_read_exactly),
                        integer,
                    ]
                ),
                core_schema.chain_schema(
                    [
                        core_schema.float_schema(strict=True, allow_inf_nan=False),
                        core_schema.no_info_plain_validator_function(int),
                        integer,
                    ]
                ),
            ],
            mode="left_to_right",
            custom_error_type="proto_integer",
            custom_error_message=f"Input should be an {self._format}",
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(core_schema.int_schema(ge=self._low, le=self._high))


class AtMost:
    """Annotation of a list: how many elements it may have. Reading it ends with the first wrong one."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __get_pydantic_core_schema__(
        self, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        schema = cast("core_schema.ListSchema", handler(source))
        schema["max_length"], schema["fail_fast"] = self._number, True
        return schema


Required = Annotated[str, Field(min_length=1, max_length=limits.WORD)]
"""A string that must be there; proto-JSON cannot tell an absent string from an empty one."""

Word = Annotated[str, Field(max_length=limits.WORD)]
"""A name, key, id or path that may be absent."""

Filter = Annotated[str, Field(max_length=limits.FILTER)]
PageToken = Annotated[str, Field(max_length=limits.PAGE_TOKEN)]
OrderBy = Annotated[list[Annotated[str, Field(max_length=limits.ORDER)]], AtMost(limits.ORDERS)]
ExperimentIds = Annotated[list[Word], AtMost(limits.EXPERIMENTS)]

RunId = Annotated[
    Required,
    Field(validation_alias=AliasChoices("run_id", "runId", "run_uuid", "runUuid")),
]
"""MLflow's oldest clients say ``run_uuid``; it is accepted wherever ``run_id`` is."""

Int64 = Annotated[int, ProtoInteger(64)]
Int32 = Annotated[int, ProtoInteger(32)]


class Wire(BaseModel):
    """A JSON object of MLflow's REST API."""

    model_config = ConfigDict(
        extra="ignore",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=False,
        protected_namespaces=(),
        # Nothing outside this package may patch a message that it received.
        frozen=False,
    )


class Message(Wire):
    """What crosses the bus towards a service."""

    service: ClassVar[str]
    kind: ClassVar[Kind]
    changes: ClassVar[bool]
    """Whether who sends it must be allowed to change things."""

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read proto-JSON; an empty payload is an empty object.

        Raises DomainError(INVALID_PARAMETER_VALUE) with MLflow's wording.
        """
        try:
            message = cls.model_validate_json(payload or b"{}")
        except ValidationError as error:
            message = cls._parse_without_nulls(payload, error)
        reject_nul(payload)
        return message

    @classmethod
    def _parse_without_nulls(cls, payload: bytes, error: ValidationError) -> Self:
        """Read what was refused once more, without its nulls: who sends none pays nothing for them."""
        stripped = without_nulls(payload)
        if stripped is not None:
            try:
                return cls.model_validate_json(stripped)
            except ValidationError as another:
                error = another
        raise to_domain_error(error) from None


class Command(Message):
    """Changes something; runs inside a transaction, exactly once."""

    kind: ClassVar[Kind] = "commands"
    changes = True


class TransientCommand(Command):
    """Changes something as a command does, but the broker need not keep it on disk meanwhile.

    For what is sent over and over and must be quick. It is lost if the broker and its sender are lost
    before it is answered (ADR 9).
    """

    kind = "transient-commands"


class Query(Message):
    """Reads."""

    kind = "queries"
    changes = False


class DomainEvent(Wire):
    """Something that happened in a service, for others to hear; ``topic`` is ``<noun>.<verb>``."""

    topic: ClassVar[str]

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read what another service wrote. Raises pydantic.ValidationError."""
        return cls.model_validate_json(payload)
