"""The grammar of each searched noun: its entities, attributes, aliases and comparators.

The rules are those of MLflow 3: its classes `SearchUtils`, `SearchExperimentsUtils`, `SearchModelUtils`,
`SearchModelVersionUtils`, `SearchTraceUtils` and `SearchEvaluationDatasetsUtils`, and its module
`search_logged_model_utils`.
Another noun needs another `Grammar` here.
"""

from shared.mlflow.search.ast import Comparator, Entity
from shared.mlflow.search.grammar import LISTS, NULLS, NUMERIC, TEXT, Grammar

_RUN_ALIASES = {
    "created": "start_time",
    "Created": "start_time",
    "run name": "run_name",
    "Run name": "run_name",
    "Run Name": "run_name",
}
_RUN_TEXT = frozenset({"run_id", "run_name", "user_id", "status", "artifact_uri"})
_RUN_NUMERIC = frozenset({"start_time", "end_time"})

RUNS = Grammar(
    entities={
        "metric": Entity.METRIC,
        "metrics": Entity.METRIC,
        "parameter": Entity.PARAM,
        "parameters": Entity.PARAM,
        "param": Entity.PARAM,
        "params": Entity.PARAM,
        "tag": Entity.TAG,
        "tags": Entity.TAG,
        "attribute": Entity.ATTRIBUTE,
        "attributes": Entity.ATTRIBUTE,
        "attr": Entity.ATTRIBUTE,
        "run": Entity.ATTRIBUTE,
        "dataset": Entity.DATASET,
        "datasets": Entity.DATASET,
    },
    unknown_entity=(
        "Invalid entity type '{entity}'. Valid values are "
        "['metric', 'parameter', 'tag', 'attribute', 'dataset']"
    ),
    unsupported_null=(
        "IS NULL / IS NOT NULL is only supported for tags and params, not for '{entity}' '{key}'"
    ),
    unsortable="Invalid identifier type '{entity}'",
    numeric=_RUN_NUMERIC,
    text=_RUN_TEXT,
    lists=frozenset({"run_id"}),
    # In order_by MLflow accepts the alias `Created`, but not `Run name`.
    orderable=_RUN_NUMERIC | _RUN_TEXT | {"created", "Created"},
    sortable=frozenset({Entity.METRIC, Entity.PARAM, Entity.TAG, Entity.ATTRIBUTE}),
    nullable=frozenset({Entity.PARAM, Entity.TAG}),
    comparators={
        Entity.METRIC: NUMERIC,
        Entity.PARAM: (*TEXT, *NULLS),
        Entity.TAG: (*TEXT, *NULLS),
        Entity.DATASET: (*TEXT, *LISTS),
    },
    aliases=_RUN_ALIASES,
    datasets=frozenset({"name", "digest", "context"}),
)

_EXPERIMENT_NUMERIC = frozenset({"creation_time", "last_update_time"})
_EXPERIMENT_TEXT = frozenset({"name", "experiment_id"})

EXPERIMENTS = Grammar(
    # Since 3.18 MLflow accepts the prefix `attributes` for experiments, but not in the registry.
    entities={
        "attribute": Entity.ATTRIBUTE,
        "attributes": Entity.ATTRIBUTE,
        "tag": Entity.TAG,
        "tags": Entity.TAG,
    },
    unknown_entity=(
        "Invalid entity type '{entity}'. "
        "Valid entity types are ('attribute', 'attributes', 'tag', 'tags')"
    ),
    unsupported_null=(
        "IS NULL / IS NOT NULL is only supported for tags, not for attribute '{key}'"
    ),
    unsortable="Invalid order_by entity: {entity}",
    numeric=_EXPERIMENT_NUMERIC,
    text=_EXPERIMENT_TEXT,
    lists=frozenset({"experiment_id"}),
    orderable=_EXPERIMENT_NUMERIC | _EXPERIMENT_TEXT,
    sortable=frozenset({Entity.ATTRIBUTE}),
    nullable=frozenset({Entity.TAG}),
    comparators={Entity.TAG: (*TEXT, *NULLS)},
    identifiers=frozenset({"experiment_id"}),
    integers_only=True,
    repeatable=True,
)

_REGISTRY_ENTITIES = {"attribute": Entity.ATTRIBUTE, "tag": Entity.TAG, "tags": Entity.TAG}
_UNKNOWN_REGISTRY_ENTITY = (
    "Invalid entity type '{entity}'. Valid entity types are ('attribute', 'tag', 'tags')"
)
_REGISTRY_COMPARATORS = {Entity.TAG: TEXT}
_REGISTRY_NULL = "IS NULL / IS NOT NULL is not supported for {entity} '{key}'"
_WRONG_REGISTRY_COMPARATOR = "Invalid comparator for {compared}: {operator}"

REGISTERED_MODELS = Grammar(
    entities=_REGISTRY_ENTITIES,
    unknown_entity=_UNKNOWN_REGISTRY_ENTITY,
    unsupported_null=_REGISTRY_NULL,
    unsortable=EXPERIMENTS.unsortable,
    unknown_order="Invalid order by key '{name}' specified. Valid keys are '{{'name', 'timestamp'}}'",
    wrong_comparator=_WRONG_REGISTRY_COMPARATOR,
    not_text=(
        "Expected a quoted string value or a list of quoted string values for attributes. "
        "Got value {value}"
    ),
    numeric=frozenset(),
    text=frozenset({"name"}),
    lists=frozenset({"name"}),
    orderable=frozenset({"name", "timestamp", "last_updated_timestamp"}),
    sortable=frozenset({Entity.ATTRIBUTE}),
    nullable=frozenset(),
    comparators=_REGISTRY_COMPARATORS,
    aliases={"timestamp": "last_updated_timestamp"},
)

_VERSION_ORDERS = frozenset(
    {"name", "version_number", "creation_timestamp", "last_updated_timestamp"}
)

MODEL_VERSIONS = Grammar(
    entities=_REGISTRY_ENTITIES,
    unknown_entity=_UNKNOWN_REGISTRY_ENTITY,
    unsupported_null=_REGISTRY_NULL,
    unsortable=(
        "Invalid order by key '{key}' specified. Valid keys are {{'creation_timestamp', "
        "'last_updated_timestamp', 'name', 'version_number'}}"
    ),
    wrong_comparator=_WRONG_REGISTRY_COMPARATOR,
    # MLflow's text names two attributes that a filter can't compare.
    not_text=(
        "Only the '{{'creation_timestamp', 'last_updated_timestamp', 'version_number'}}' "
        "attributes support comparison with numeric values."
    ),
    numeric=frozenset({"version_number"}),
    text=frozenset({"name", "run_id", "source_path"}),
    lists=frozenset({"name", "run_id"}),
    orderable=_VERSION_ORDERS,
    sortable=frozenset({Entity.ATTRIBUTE}),
    nullable=frozenset(),
    comparators=_REGISTRY_COMPARATORS,
    integers_only=True,
    quoted_integers=True,
)

_LOGGED_MODEL_ALIASES = {
    "creation_time": "creation_timestamp_ms",
    "creation_timestamp": "creation_timestamp_ms",
    "last_updated_timestamp": "last_updated_timestamp_ms",
}
_LOGGED_MODEL_TEXT = frozenset(
    {
        "model_id",
        "experiment_id",
        "name",
        "artifact_location",
        "status",
        "model_type",
        "source_run_id",
    }
)
_LOGGED_MODEL_NUMERIC = frozenset({"creation_timestamp_ms", "last_updated_timestamp_ms"})
_NOT_ONE_EXPRESSION = "Invalid filter string: {source!r}. Expected a single SQL expression."

LOGGED_MODELS = Grammar(
    entities={
        "attributes": Entity.ATTRIBUTE,
        "metrics": Entity.METRIC,
        "params": Entity.PARAM,
        "tags": Entity.TAG,
    },
    unknown_entity=(
        "Invalid entity type: {entity!r}. "
        "Expected one of ['attributes', 'metrics', 'params', 'tags']."
    ),
    unsupported_null=(
        "Invalid comparison: {entity} '{key}' IS [NOT] NULL. Expected a comparison with 3 tokens."
    ),
    unsortable="Invalid order by field name: {name}. Only metrics are supported.",
    unknown_order="Invalid order by field name: {name}",
    wrong_comparator=(
        "Invalid comparison operator for {spelled}: {operator!r}. Expected one of {choices}."
    ),
    empty=_NOT_ONE_EXPRESSION,
    several=_NOT_ONE_EXPRESSION,
    strangers=(
        "Invalid filter string: {source!r}. Expected a list of comparisons separated by 'AND' "
        "(e.g. 'metrics.loss > 0.1 AND params.lr = 0.01')."
    ),
    numeric=_LOGGED_MODEL_NUMERIC,
    text=_LOGGED_MODEL_TEXT,
    lists=_LOGGED_MODEL_TEXT,
    orderable=_LOGGED_MODEL_TEXT | _LOGGED_MODEL_NUMERIC | frozenset(_LOGGED_MODEL_ALIASES),
    sortable=frozenset({Entity.ATTRIBUTE, Entity.METRIC}),
    nullable=frozenset(),
    comparators={
        Entity.METRIC: NUMERIC,
        Entity.PARAM: (*TEXT, *LISTS),
        Entity.TAG: (*TEXT, *LISTS),
    },
    aliases=_LOGGED_MODEL_ALIASES,
    bare_text=True,
    repeatable=True,
)

_ISSUE_TEXT = frozenset({"status", "source_run_id"})

ISSUES = Grammar(
    entities={},
    unknown_entity=(
        "Invalid filter field '{entity}'. Supported fields: {{'source_run_id', 'status'}}"
    ),
    unsupported_null="Invalid comparison: expected 3 tokens, got 2",
    unsortable=EXPERIMENTS.unsortable,
    numeric=frozenset(),
    text=_ISSUE_TEXT,
    lists=frozenset(),
    orderable=frozenset(),
    sortable=frozenset(),
    nullable=frozenset(),
    comparators={},
    identifiers=_ISSUE_TEXT,
    bare_text=True,
)

_TRACE_ALIASES = {
    "timestamp": "timestamp_ms",
    "execution_time": "execution_time_ms",
    "end_time": "end_time_ms",
}
_TRACE_NUMERIC = frozenset({"timestamp_ms", "execution_time_ms", "end_time_ms"})
_TRACE_TEXT = frozenset(
    {"request_id", "status", "client_request_id", "name", "run_id", "prompt", "text"}
)
_TRACE_LABELS = (*TEXT, Comparator.RLIKE, *NULLS)
_TRACE_SPANS = (*TEXT, Comparator.RLIKE, *LISTS)
_TRACE_ASSESSMENTS = (*NUMERIC, Comparator.LIKE, Comparator.ILIKE, Comparator.RLIKE, *NULLS)

TRACES = Grammar(
    entities={
        "tag": Entity.TAG,
        "tags": Entity.TAG,
        "attribute": Entity.ATTRIBUTE,
        "attributes": Entity.ATTRIBUTE,
        "trace": Entity.ATTRIBUTE,
        "request_metadata": Entity.METADATA,
        "metadata": Entity.METADATA,
        "span": Entity.SPAN,
        "feedback": Entity.FEEDBACK,
        "expectation": Entity.EXPECTATION,
        "issue": Entity.ISSUE,
    },
    unknown_entity=(
        "Invalid entity type '{entity}'. Valid values are ['attribute', 'attributes', "
        "'expectation', 'feedback', 'issue', 'metadata', 'request_metadata', 'span', 'tag', "
        "'tags', 'trace']"
    ),
    unsupported_null=(
        "IS NULL / IS NOT NULL is only supported for tags and metadata, not for '{entity}' '{key}'"
    ),
    unsortable="Invalid identifier type '{entity}'",
    numeric=_TRACE_NUMERIC,
    text=_TRACE_TEXT,
    lists=frozenset({"name", "status", "request_id", "run_id", "client_request_id"}),
    orderable=frozenset({"experiment_id", "status", "request_id", "name", "run_id"})
    | _TRACE_NUMERIC
    | frozenset(_TRACE_ALIASES),
    sortable=frozenset({Entity.ATTRIBUTE, Entity.TAG, Entity.METADATA}),
    nullable=frozenset({Entity.TAG, Entity.METADATA, Entity.FEEDBACK, Entity.EXPECTATION}),
    comparators={
        Entity.TAG: _TRACE_LABELS,
        Entity.METADATA: _TRACE_LABELS,
        Entity.SPAN: _TRACE_SPANS,
        Entity.FEEDBACK: _TRACE_ASSESSMENTS,
        Entity.EXPECTATION: _TRACE_ASSESSMENTS,
        Entity.ISSUE: (Comparator.EQ,),
    },
    aliases=_TRACE_ALIASES,
    measured=frozenset({Entity.FEEDBACK, Entity.EXPECTATION}),
    patterns=(Comparator.RLIKE,),
)

_DATASET_NUMERIC = frozenset({"created_time", "last_update_time"})

EVALUATION_DATASETS = Grammar(
    entities={"tags": Entity.TAG},
    unknown_entity="Invalid identifier token '{entity}' specified",
    unsupported_null=(
        "IS NULL / IS NOT NULL is only supported for tags and params, not for '{entity}' '{key}'"
    ),
    unsortable=EXPERIMENTS.unsortable,
    wrong_comparator=_WRONG_REGISTRY_COMPARATOR,
    numeric=_DATASET_NUMERIC,
    text=frozenset({"name", "created_by", "last_updated_by"}),
    lists=frozenset({"name"}),
    orderable=_DATASET_NUMERIC | {"name"},
    sortable=frozenset({Entity.ATTRIBUTE}),
    # MLflow's parser accepts it for tags, and its store then refuses the comparator.
    nullable=frozenset({Entity.TAG}),
    comparators={Entity.TAG: TEXT},
    list_comparators=(Comparator.IN,),
    integers_only=True,
    repeatable=True,
    doubled_quotes=True,
)
