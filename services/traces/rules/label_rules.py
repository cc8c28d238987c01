"""The rules for label schemas, in the words of MLflow (``mlflow/genai/label_schemas/validation.py``)."""

import math
import re

from shared.contracts.errors import invalid
from shared.contracts.label_schemas import (
    CreateLabelSchema,
    InputCategorical,
    InputNumeric,
    InputPassFail,
    InputText,
    LabelSchemaInput,
    LabelSchemaType,
    UpdateLabelSchema,
)

LONGEST_NAME = 250
LONGEST_INSTRUCTION = 1000
LONGEST_LABEL = 64
"""Characters of a label of a pass-fail input, and of an option."""

MOST_OPTIONS = 10

DEFAULT_NAME = "Feedback"
DEFAULT_INSTRUCTION = "Share any feedback on this trace."

ID_PREFIX = "ls-"
_DEFAULT_ID = re.compile(rf"{ID_PREFIX}0{{16}}([0-9a-f]{{16}})")
"""The id of a default question has its experiment's number. Other ids have other digits in place of the zeros."""

Input = InputPassFail | InputCategorical | InputNumeric | InputText


def default_id(experiment_id: int) -> str:
    """Return the id of an experiment's default question."""
    return f"{ID_PREFIX}{experiment_id:032x}"


def experiment_of_default(schema_id: str) -> int | None:
    """Return the experiment of a default question; None for another id."""
    found = _DEFAULT_ID.fullmatch(schema_id)
    number = int(found[1], 16) if found else 2**63
    return number if number < 2**63 else None


def check_new(cmd: CreateLabelSchema) -> None:
    """Raise DomainError unless the label schema may be made."""
    if cmd.type is LabelSchemaType.LABEL_SCHEMA_TYPE_UNSPECIFIED:
        message = (
            "Label schema `type` must be one of FEEDBACK or EXPECTATION; got proto enum value 0."
        )
        raise invalid(message)
    chosen = _chosen(cmd.input)
    _check_name(cmd.name)
    _check_instruction(cmd.instruction)
    _check_input(chosen)


def check_change(cmd: UpdateLabelSchema, existing: LabelSchemaInput) -> None:
    """Raise DomainError unless the label schema may be changed so."""
    chosen = None if cmd.input is None else _chosen(cmd.input)
    if cmd.name is not None:
        _check_name(cmd.name)
    _check_instruction(cmd.instruction)
    if chosen is not None:
        _check_input(chosen)
        _check_same_kind(_chosen(existing), chosen)


def _chosen(given: LabelSchemaInput) -> Input:
    kinds = [given.pass_fail, given.categorical, given.numeric, given.text]
    chosen = [each for each in kinds if each is not None]
    if len(chosen) != 1:
        got = "an empty oneof" if not chosen else f"{len(chosen)} of them"
        message = (
            "Label schema `input` must have exactly one of `pass_fail`, `categorical`, `numeric`, or `text` set; "
            f"got {got}."
        )
        raise invalid(message)
    return chosen[0]


def _check_name(name: str) -> None:
    if not name:
        raise invalid(f"Label schema `name` must be a non-empty string; got {name!r}.")
    if len(name) > LONGEST_NAME:
        message = f"Label schema `name` must be at most {LONGEST_NAME} characters; got {len(name)}."
        raise invalid(message)
    if name.strip().lower() == DEFAULT_NAME.lower():
        message = f"`{name}` is reserved for the experiment's default question and cannot be used for another label schema."
        raise invalid(message)


def _check_instruction(instruction: str | None) -> None:
    if instruction is not None and len(instruction) > LONGEST_INSTRUCTION:
        message = f"Label schema `instruction` must be at most {LONGEST_INSTRUCTION} characters; got {len(instruction)}."
        raise invalid(message)


def _check_input(given: Input) -> None:
    match given:
        case InputPassFail():
            _check_pass_fail(given)
        case InputCategorical():
            _check_options(given.options)
        case InputNumeric():
            _check_bounds(given)
        case InputText(max_length=int(length)) if length < 1:
            raise invalid(f"`InputText.max_length` must be at least 1; got {length}.")


def _check_pass_fail(given: InputPassFail) -> None:
    for field in ("positive_label", "negative_label"):
        label = getattr(given, field)
        if not label:
            raise invalid(f"`InputPassFail.{field}` must be a non-empty string; got {label!r}.")
        if len(label) > LONGEST_LABEL:
            message = f"`InputPassFail.{field}` must be at most {LONGEST_LABEL} characters; got {len(label)}."
            raise invalid(message)
    if given.positive_label == given.negative_label:
        message = (
            "`InputPassFail.positive_label` and `negative_label` must be distinct; "
            f"got {given.positive_label!r} for both."
        )
        raise invalid(message)


def _check_options(options: list[str]) -> None:
    if not options:
        raise invalid("`InputCategorical.options` must be a non-empty list; got [].")
    if len(options) > MOST_OPTIONS:
        message = f"`InputCategorical.options` must have at most {MOST_OPTIONS} entries; got {len(options)}."
        raise invalid(message)
    seen: set[str] = set()
    for option in options:
        if not option:
            message = (
                f"`InputCategorical.options` entries must be non-empty strings; got {option!r}."
            )
            raise invalid(message)
        if len(option) > LONGEST_LABEL:
            message = (
                f"`InputCategorical.options` entries must be at most {LONGEST_LABEL} characters; "
                f"got {len(option)} for {option!r}."
            )
            raise invalid(message)
        if option in seen:
            message = f"`InputCategorical.options` must be deduplicated; {option!r} appears twice."
            raise invalid(message)
        seen.add(option)


def _check_bounds(given: InputNumeric) -> None:
    low, high = given.min_value, given.max_value
    for field, value in (("min_value", low), ("max_value", high)):
        # MLflow accepts NaN, with which no answer can be compared.
        if value is not None and not math.isfinite(value):
            raise invalid(f"`InputNumeric.{field}` must be a finite number; got {value}.")
    if low is not None and high is not None and low >= high:
        message = (
            "`InputNumeric.min_value` must be strictly less than `max_value`; "
            f"got min={low}, max={high}."
        )
        raise invalid(message)


def _check_same_kind(existing: Input, new: Input) -> None:
    """Raise DomainError unless answers that were given stay answers to the question."""
    if type(new) is not type(existing):
        message = (
            "A label schema's input type cannot be changed after creation "
            f"(existing: {type(existing).__name__}, got: {type(new).__name__})."
        )
        raise invalid(message)
    several = [each.multi_select for each in (existing, new) if isinstance(each, InputCategorical)]
    if len(set(several)) > 1:
        raise invalid("`InputCategorical.multi_select` cannot be changed after creation.")
