"""The largest sizes of texts and lists in requests, in one table.

These limits bound the time that one request can take from others. Handlers check MLflow's own limits, with MLflow's
messages (``mlflow/utils/validation.py``); the limits here are never below MLflow's. There is no entry for text that
is stored unchanged and read by no parser: values of params and tags, descriptions, schemas and profiles of datasets.
The body's own limit bounds it.
"""

WORD = 20_000
"""Characters of names, keys, ids and paths. The longest that handlers accept is an artifact location of 2,048
characters with a path below it. Those come in an HTTP request line of at most 8,190 bytes."""

FILTER = 200_000
"""Characters of a filter: room for a list of some thousand run ids. MLflow has no limit."""

FILTER_TOKENS = 25_000
"""Words, numbers, quoted texts and operators of a filter or an order."""

ORDERS = 20
"""Entries of ``order_by``. Each one on a metric, param or tag costs a join. MLflow has no limit."""

ORDER = 2_000
"""Characters of one ``order_by`` entry; a key has 250 at most."""

PAGE_TOKEN = 1_000_000
"""Characters of a page token. It carries the sort values of a page's last row, such as 20 long tags."""

EXPERIMENTS = 50_000
"""Experiment ids in a search: a whole page (``MAX_EXPERIMENTS_LISTED_PER_PAGE``), because MLflow's clients send all
of them for ``search_all_experiments``."""

RUNS = 10_000
"""Run ids of a metric query; handlers accept 100 (``MAX_RUN_IDS_PER_REQUEST``)."""

BATCH = 10_000
"""Metrics, params or tags of a batch; handlers accept 1,000 and 100 (``MAX_ENTITIES_PER_BATCH``)."""

ENTITIES = 1_000
"""Tags or params of a new entity, such as a run (``MAX_ENTITIES_PER_BATCH``)."""

DATASETS = 1_000
"""Dataset inputs of a request (``MAX_DATASETS_PER_BATCH``; MLflow's clients split larger lists)."""

INPUT_TAGS = 20
"""Tags of a dataset input. MLflow's clients send one, the context. MLflow has no limit."""

INPUTS_TAGS = 5_000
"""Tags of all dataset inputs of a request."""

MODELS = 1_000
"""Logged models in the inputs or outputs of a run."""

MODEL_JSON = 1_000_000
"""Characters of a model's JSON description. It is stored without its signature."""

TRACES = 10_000
"""Trace ids in a request. MLflow has no limit; its clients send 100 for a deletion and 10 for spans."""

AGGREGATIONS = 20
"""Aggregations, dimensions or filters of one request for figures over traces. MLflow's UI sends 4, 2 and 3."""

DELETED_TRACES = 1_000
"""Traces that one ``DeleteTraces`` deletes by a time, so that its transaction stays short."""

ASSESSMENTS = 1_000
"""Assessments of a trace, which every reply with the trace lists. MLflow has no limit."""

ASSESSMENT = 500_000
"""Bytes of an assessment: its value, rationale, metadata and error. MLflow's columns hold 65,535 bytes on MySQL."""

ASSESSMENTS_OF_TRACE = 2_000_000
"""Bytes of all assessments of a trace."""

ASSESSMENTS_OF_REPLY = 8_000_000
"""Bytes of the assessments in a reply with several traces. A page of a search ends there."""

ISSUE_ITEMS = 100
"""Root causes, or categories, of an issue."""

CLIENT_REQUEST_ID = 250
"""Characters of a client's own id of a trace, which is in an index. MLflow's column has 50."""

SPANS = 2_000
"""Spans of one ``LogSpans``. A larger OTLP request is split into several commands."""

SPANS_JSON = 1_000_000
"""Characters of the spans of one ``LogSpans``, and of a page of spans: about the bytes of a frame. A larger span is
alone in its command or page."""

SPAN_JSON = 8 * 1024**2
"""Characters of one span, with its inputs and outputs. A larger one does not fit into a message of RabbitMQ."""

OTLP_TAGS = 64 * 1024**2
"""Characters of the tags, metadata and previews of the traces of one OTLP request. Each trace gets the tags of its
resource, so that a small request may say much."""

OTLP_BODY = 64 * 1024**2
"""Bytes of an OTLP request, inflated. Of a trace of 50 MB some exporters send all spans at once."""

OTLP_SPANS = 100_000
"""Resources, scopes and spans of one OTLP request. An empty one takes two bytes, and a hundred times as much memory."""

OTLP_RESOURCE = 64 * 1024
"""Bytes of the resource of spans: the attributes of the program that recorded them."""

DATASET_RECORDS = 1_000
"""Records of one ``UpsertDatasetRecords``, and of a page of them. The gateway splits larger requests."""

RECORDS_JSON = 1_000_000
"""Characters of the records of one ``UpsertDatasetRecords``, of a page of them, and of a page of evaluation datasets. A
larger record or dataset is alone in its command or page."""

RECORD_JSON = 8 * 1024**2
"""Characters of one record of an evaluation dataset. A larger one does not fit into a message of RabbitMQ."""

RECORD_VALUES = 200_000
"""Values of one record, about: each follows a comma. Reading more would hold up other requests."""

RECORDS_BODY = 32 * 1024**2
"""Bytes of a request with records: MLflow's clients send all that they merge at once."""

RECORD_IDS = 10_000
"""Records that one request deletes."""

DATASET_SCHEMA = 100_000
"""Characters of the schema of an evaluation dataset. Fields that come later are left out of it. MLflow has no limit."""

DATASET_EXPERIMENTS = 100
"""Experiments that one request links to an evaluation dataset. Tracking is asked about each."""

EVALUATION_DATASETS = 1_000
"""Datasets of a page; a client that asks for more gets a token for the others."""

SCORER_JSON = 100_000
"""Characters of a serialized scorer. It has the instructions of a judge, but no data. MLflow has no limit."""

SCORERS = 1_000
"""Scorers of an experiment. MLflow's lists of scorers have no pages."""

SCORER_VERSIONS = 10_000
"""Versions of a scorer, which MLflow lists without pages, too."""

SCORERS_JSON = 16 * 1024**2
"""Characters of the newest versions of an experiment's scorers, and of all versions of a scorer: of one list."""

SCORER_EXPERIMENTS = 100
"""Experiments with scorers that one list is about. Tracking is asked about each."""

QUEUE_SCHEMAS = 100
"""Label schemas of a review queue: the questions that a reviewer answers."""

REVIEWED_PAGE = 1_000
"""Label schemas or review queues of a page. MLflow allows 50,000."""

REVIEW_ITEMS_PAGE = 10_000
"""Items of a review queue in a page. MLflow allows 50,000."""

STAGES = 100
"""Stages in one request for the newest versions."""

PARTS = 10_000
"""Parts of a multipart upload: S3's own limit."""

SMALL_LIST = 100
"""Users, or scopes of a token, in a list of GitLab's REST API."""

BODY = 8 * 1024**2
"""Bytes of a request's body."""

BATCH_BODY = 16 * 1024**2
"""Bytes of ``log-batch``: 100 params and 100 tags of MLflow's greatest lengths, however they are escaped. MLflow's
``MAX_BATCH_LOG_REQUEST_SIZE`` is 1,000,000, but its server compares it with the number of fields."""

INPUTS_BODY = 32 * 1024**2
"""Bytes of ``log-inputs``: a dataset with MLflow's longest profile (16 MB), schema and source."""

NULLABLE_FIELDS = 200_000
"""Fields and lists of a body whose nulls are removed. The largest request that handlers accept has a third of it; each
costs a microsecond or more, during which the service does nothing else."""

FIELDS = 10_000
"""Fields of a form."""

FORM = 1_000_000
"""Bytes of a form. The gateway itself decodes it."""
