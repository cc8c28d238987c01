"""How long a text and how many elements a list may have: the one table of what a request may ask for.

It bounds the time that any request takes from its neighbours. MLflow's own limits are what handlers
check, in MLflow's words (``mlflow/utils/validation.py``); those here are never below them. What has no
entry is text that is stored as it is and walked by no parser: values of params and tags, descriptions,
schemas and profiles of datasets. The body's own limit bounds it.
"""

WORD = 20_000
"""Characters of names, keys, ids and paths. The longest that handlers take is an artifact location, of 2,048,
with a path below it, which comes in a line of HTTP of at most 8,190 bytes."""

FILTER = 200_000
"""Characters of a filter: room for some thousand ids of runs in a list. MLflow has no limit."""

FILTER_TOKENS = 25_000
"""Words, numbers, quoted texts and signs of a filter or an order."""

ORDERS = 20
"""Entries of ``order_by``: each on a metric, param or tag costs a join. MLflow has no limit."""

ORDER = 2_000
"""Characters of one of them; a key has 250 at most."""

PAGE_TOKEN = 1_000_000
"""Characters. A token carries the values that a page ended with, such as those of 20 long tags."""

EXPERIMENTS = 50_000
"""Ids of experiments in a search: a page of them (``MAX_EXPERIMENTS_LISTED_PER_PAGE``), all of which
MLflow's clients send for ``search_all_experiments``."""

RUNS = 10_000
"""Ids of runs whose metrics are read; handlers take 100 (``MAX_RUN_IDS_PER_REQUEST``)."""

BATCH = 10_000
"""Metrics, params or tags of a batch; handlers take 1,000 and 100 (``MAX_ENTITIES_PER_BATCH``)."""

ENTITIES = 1_000
"""Tags or params of what is made, such as a run (``MAX_ENTITIES_PER_BATCH``)."""

DATASETS = 1_000
"""Dataset inputs of a request (``MAX_DATASETS_PER_BATCH``, by which MLflow's clients split)."""

INPUT_TAGS = 20
"""Tags of a dataset input. Clients of MLflow send one, its context; MLflow has no limit."""

INPUTS_TAGS = 5_000
"""Tags of all dataset inputs of a request."""

MODELS = 1_000
"""Logged models that a run read or made."""

MODEL_JSON = 1_000_000
"""Characters of a description of a model, which are kept without its signature."""

STAGES = 100
"""Stages to look for the newest version in."""

PARTS = 10_000
"""Parts of a multipart upload: S3's own limit."""

USERS = 100
"""Users, or scopes of a token, in a list of GitLab's REST API."""

BODY = 8 * 1024**2
"""Bytes of a request's body."""

BATCH_BODY = 16 * 1024**2
"""Bytes of ``log-batch``: 100 params and 100 tags of MLflow's greatest lengths, however they are escaped.
``MAX_BATCH_LOG_REQUEST_SIZE`` of MLflow's is 1,000,000, but its server compares the number of fields."""

INPUTS_BODY = 32 * 1024**2
"""Bytes of ``log-inputs``: a dataset with MLflow's longest profile, 16 MB, schema and source."""

FIELDS = 10_000
"""Fields of a form."""

FORM = 1_000_000
"""Bytes of a form, which the gateway itself decodes."""
