"""Base classes of every message, and the scalar types of MLflow's proto-JSON.

Field names are the names in MLflow's requests, so there is no second set of request models. Proto-JSON is protobuf's
JSON mapping, as ``mlflow.utils.proto_json_utils`` reads it. Fields come in snake_case or lowerCamelCase, an int64 as
a number or a string. Doubles may be ``"NaN"``, ``"Infinity"`` or ``"-Infinity"``. Null means unset. Unknown fields
are ignored.
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
from shared.contracts.field_names import accepted_names
from shared.contracts.validation import reject_nul, to_domain_error, without_nulls

INT64_MAX = 2**63 - 1

Kind = Literal["commands", "queries"]
"""The kind of a frame's messages. Each kind has a queue of its own."""


_LONGEST_NUMBER = 100
"""Characters of a number as text. The longest that protobuf itself writes has 20."""


def _read_exactly(text: str) -> int:
    """Return the integer of a text with an exponent or a decimal point, such as ``1e+05``.

    Raises ValueError for a fraction, and for text that is not a number.
    """
    if len(text) > _LONGEST_NUMBER:
        message = "too long for a number"
        raise ValueError(message)
    try:
        number = Decimal(text)
    except InvalidOperation:
        message = "not a number"
        raise ValueError(message) from None
    # The exponent is checked before the conversion: 1e999999999 as an integer would take a
    # gigabyte.
    within = number.is_finite() and number.adjusted() < _LONGEST_NUMBER
    if not within or number != number.to_integral_value():
        message = "not an integer"
        raise ValueError(message)
    return int(number)


class ProtoInteger:
    """Annotation of a proto-JSON integer: a number, or a text that may have an exponent.

    R's client writes 100000 as ``"1e+05"``. A number's fraction is dropped, because MLflow's server and GitLab's
    accept one. A text with a fraction is an error, as on both servers. pydantic's lax mode is not used: it would
    read ``true`` as 1, which protobuf refuses.
    """

    def __init__(self, bits: int) -> None:
        self._low, self._high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
        self._format = f"int{bits}"

    def __get_pydantic_core_schema__(
        self, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        integer = core_schema.int_schema(ge=self._low, le=self._high)
        # The first match counts, and the common forms come first: a number, digits, an exponent, a float.
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
    """Annotation of a list with a maximum length. Validation stops at the first invalid element."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __get_pydantic_core_schema__(
        self, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        schema = cast("core_schema.ListSchema", handler(source))
        schema["max_length"], schema["fail_fast"] = self._number, True
        return schema


Required = Annotated[str, Field(min_length=1, max_length=limits.WORD)]
"""A required string. An empty one counts as absent: proto-JSON can't tell the two apart."""

Word = Annotated[str, Field(max_length=limits.WORD)]
"""An optional name, key, id or path."""

Filter = Annotated[str, Field(max_length=limits.FILTER)]
PageToken = Annotated[str, Field(max_length=limits.PAGE_TOKEN)]
OrderBy = Annotated[list[Annotated[str, Field(max_length=limits.ORDER)]], AtMost(limits.ORDERS)]
ExperimentIds = Annotated[list[Word], AtMost(limits.EXPERIMENTS)]

RunId = Annotated[
    Required,
    Field(validation_alias=AliasChoices("run_id", "runId", "run_uuid", "runUuid")),
]
"""MLflow's oldest clients send ``run_uuid``. It is accepted wherever ``run_id`` is."""

Int64 = Annotated[int, ProtoInteger(64)]
Int32 = Annotated[int, ProtoInteger(32)]


class Wire(BaseModel):
    """Base class of JSON objects of the REST APIs."""

    model_config = ConfigDict(
        extra="ignore",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=False,
        protected_namespaces=(),
        frozen=False,
    )


class Message(Wire):
    """Base class of commands and queries: what a service receives over the bus."""

    service: ClassVar[str]
    kind: ClassVar[Kind]
    changes: ClassVar[bool]
    """Whether the caller needs the right to write."""

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Return the message of a proto-JSON text; an empty payload means an empty object.

        Raises DomainError(INVALID_PARAMETER_VALUE) with MLflow's wording.
        """
        try:
            # As ``model_validate_json``, without its look at options that are never given.
            message = cls.__pydantic_validator__.validate_json(payload or b"{}")
        except ValidationError as error:
            message = cls._parse_without_nulls(payload, error)
        # The byte test keeps the hot path fast.
        if b"\\u0000" in payload:
            reject_nul(payload)
        return cast("Self", message)

    @classmethod
    def _parse_without_nulls(cls, payload: bytes, error: ValidationError) -> Self:
        """Parse a refused payload again without its nulls. Valid payloads thus cost no second pass."""
        stripped = without_nulls(payload, accepted_names(cls))
        if stripped is not None:
            try:
                return cls.model_validate_json(stripped)
            except ValidationError as another:
                error = another
        raise to_domain_error(error) from None


class Command(Message):
    """A message that changes something. It runs inside a transaction, exactly once."""

    kind: ClassVar[Kind] = "commands"
    changes = True


class Query(Message):
    """A message that only reads."""

    kind = "queries"
    changes = False


class DomainEvent(Wire):
    """A fact about something that has happened in a service. ``topic`` is ``<noun>.<verb>``."""

    topic: ClassVar[str]

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Return the event of a payload from another service. Raises pydantic.ValidationError."""
        return cls.model_validate_json(payload)
