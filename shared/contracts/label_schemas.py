"""Label schemas: MLflow's ``label-schemas`` requests and replies.

A label schema is a question that reviewers answer about traces: its name, and the form of the answer. The name becomes
the name of the assessment.
"""

from typing import Annotated, ClassVar

from pydantic import Field

from shared.contracts import limits
from shared.contracts.message import (
    AtMost,
    Command,
    Int32,
    Int64,
    PageToken,
    Query,
    Required,
    Wire,
    Word,
)
from shared.contracts.proto_enums import ProtoEnum


class LabelSchemaType(ProtoEnum):
    """The kind of assessment that an answer becomes."""

    LABEL_SCHEMA_TYPE_UNSPECIFIED = "LABEL_SCHEMA_TYPE_UNSPECIFIED"
    FEEDBACK = "FEEDBACK"
    EXPECTATION = "EXPECTATION"


class InputPassFail(Wire):
    """One of two answers, with a label for each."""

    positive_label: Word = ""
    negative_label: Word = ""


class InputCategorical(Wire):
    """One of some options, or several of them."""

    options: Annotated[list[Word], AtMost(limits.ENTITIES)] = Field(default_factory=list)
    multi_select: bool = False


class InputNumeric(Wire):
    """A number within bounds."""

    min_value: float | None = None
    max_value: float | None = None


class InputText(Wire):
    """A text of a bounded number of characters."""

    max_length: Int64 | None = None


class LabelSchemaInput(Wire):
    """The form of an answer: exactly one of these."""

    pass_fail: InputPassFail | None = None
    categorical: InputCategorical | None = None
    numeric: InputNumeric | None = None
    text: InputText | None = None


class CreateLabelSchema(Command):
    """Make a label schema, whose name is new in its experiment."""

    service: ClassVar[str] = "traces"
    experiment_id: Required
    name: Required
    type: LabelSchemaType = LabelSchemaType.LABEL_SCHEMA_TYPE_UNSPECIFIED
    input: LabelSchemaInput = Field(default_factory=LabelSchemaInput)
    instruction: Word | None = None
    enable_comment: bool = False


class GetLabelSchema(Query):
    """Return a label schema."""

    service: ClassVar[str] = "traces"
    schema_id: Required


class GetLabelSchemaByName(Query):
    """Return the label schema of a name."""

    service: ClassVar[str] = "traces"
    experiment_id: Required
    name: Required


class ListLabelSchemas(Query):
    """Return a page of an experiment's label schemas, newest first. The default question is the last one."""

    service: ClassVar[str] = "traces"
    experiment_id: Required
    max_results: Int32 | None = None
    page_token: PageToken | None = None


class UpdateLabelSchema(Command):
    """Change a label schema. Fields that are absent stay, and so does the kind of input."""

    service: ClassVar[str] = "traces"
    schema_id: Required
    name: Word | None = None
    instruction: Word | None = None
    enable_comment: bool | None = None
    input: LabelSchemaInput | None = None


class DeleteLabelSchema(Command):
    """Delete a label schema. One that is missing is no error."""

    service: ClassVar[str] = "traces"
    schema_id: Required


class LabelSchema(Wire):
    """A label schema. Times are Unix milliseconds; the default question has none."""

    schema_id: str
    experiment_id: str
    name: str
    type: LabelSchemaType
    input: LabelSchemaInput
    instruction: str | None = None
    enable_comment: bool = False
    created_at: int | None = None
    last_updated_at: int | None = None
    is_default: bool = False


class LabelSchemaReply(Wire):
    """A label schema."""

    label_schema: LabelSchema


class ListLabelSchemasReply(Wire):
    """A page of label schemas; no ``next_page_token`` on the last page."""

    label_schemas: list[LabelSchema]
    next_page_token: str | None = None
