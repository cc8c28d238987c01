"""Assessments of traces: MLflow's ``assessments`` requests and replies (``assessments.proto``).

An assessment has one of ``feedback``, ``expectation`` and ``issue``. Its path names the trace; a ``trace_id`` in the
body is ignored.
"""

from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import Field

from shared.contracts import limits
from shared.contracts.message import Command, Query, Required, Wire, Word
from shared.contracts.proto_times import Timestamp
from shared.contracts.spans import TraceId

AssessmentId = Annotated[str, Field(max_length=50)]
"""``a-`` and 32 hexadecimal digits, or what the client chose. MLflow's column has 50 characters."""

Text = Annotated[str, Field(max_length=limits.ASSESSMENT)]


class SourceType(StrEnum):
    """Who made an assessment. An unknown source is ``SOURCE_TYPE_UNSPECIFIED``, as on MLflow's server."""

    SOURCE_TYPE_UNSPECIFIED = "SOURCE_TYPE_UNSPECIFIED"
    HUMAN = "HUMAN"
    LLM_JUDGE = "LLM_JUDGE"
    CODE = "CODE"

    @classmethod
    def _missing_(cls, value: object) -> "SourceType":
        """Return the member with this number, counted from 0."""
        number = value if isinstance(value, int) else 0
        return list(cls)[number] if 0 <= number < len(cls) else cls.SOURCE_TYPE_UNSPECIFIED


class AssessmentSource(Wire):
    """The source of an assessment, such as ``HUMAN`` and a user's name."""

    source_type: SourceType = SourceType.SOURCE_TYPE_UNSPECIFIED
    source_id: Annotated[str, Field(max_length=250)] | None = None


class AssessmentError(Wire):
    """The reason why there is no value."""

    error_code: Word | None = None
    error_message: Text | None = None
    stack_trace: Text | None = None


class Feedback(Wire):
    """A judgement: a number, a text, a boolean, a list or an object."""

    value: Any = None
    error: AssessmentError | None = None


class SerializedValue(Wire):
    """A value as text. ``JSON_FORMAT`` is the only format."""

    serialization_format: Word | None = None
    value: Text | None = None


class Expectation(Wire):
    """What a trace should have produced. Lists and objects come as ``serialized_value``, which wins if both are given."""

    value: Any = None
    serialized_value: SerializedValue | None = None


class IssueReference(Wire):
    """A reference to an issue, whose id is the assessment's name."""

    issue_name: Word | None = None


class Assessment(Wire):
    """An assessment of a trace, or of one of its spans. It is not checked that the span exists, as in MLflow.

    A feedback that ``overrides`` another assessment of the trace makes that one invalid. ``valid`` is the server's.
    """

    assessment_id: AssessmentId | None = None
    assessment_name: Annotated[str, Field(max_length=250)] | None = None
    trace_id: Word | None = None
    span_id: Annotated[str, Field(max_length=50)] | None = None
    source: AssessmentSource | None = None
    create_time: Timestamp | None = None
    last_update_time: Timestamp | None = None
    feedback: Feedback | None = None
    expectation: Expectation | None = None
    issue: IssueReference | None = None
    rationale: Text | None = None
    metadata: Annotated[dict[str, str], Field(max_length=limits.ENTITIES)] | None = None
    overrides: AssessmentId | None = None
    valid: bool | None = None


class CreateAssessment(Command):
    """Add an assessment to a trace."""

    service: ClassVar[str] = "traces"
    trace_id: TraceId
    assessment: Assessment


class GetAssessment(Query):
    """Return an assessment."""

    service: ClassVar[str] = "traces"
    trace_id: TraceId
    assessment_id: AssessmentId


class UpdateAssessment(Command):
    """Change the fields of an assessment that ``update_mask`` names, separated by commas.

    They are ``assessmentName``, ``feedback``, ``expectation``, ``rationale`` and ``metadata``, whose items are added
    to those that are there. Other names are ignored, as on MLflow's server. Source and span stay.
    """

    service: ClassVar[str] = "traces"
    trace_id: TraceId
    assessment_id: AssessmentId
    assessment: Assessment
    update_mask: Required


class DeleteAssessment(Command):
    """Delete an assessment. The one that it overrides becomes valid again. A missing one is no error, as in MLflow."""

    service: ClassVar[str] = "traces"
    trace_id: TraceId
    assessment_id: AssessmentId


class AssessmentReply(Wire):
    """An assessment."""

    assessment: Assessment
