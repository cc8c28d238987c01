"""The pydantic models of messages, replies and events. They hold no logic.

``MESSAGES`` maps names on the bus to the contracts of the modules that are imported below. The access service's
messages are not in it.
"""

from shared.contracts import (
    artifacts,
    assessments,
    datasets,
    evaluation_datasets,
    experiments,
    issues,
    label_schemas,
    logged_models,
    metrics,
    model_aliases,
    model_experiments,
    model_versions,
    purges,
    registered_models,
    review_queues,
    runs,
    scorers,
    spans,
    trace_metrics,
    traces,
)
from shared.contracts.message import Message

MESSAGES: dict[str, type[Message]] = {
    name: contract
    for module in (
        experiments,
        runs,
        metrics,
        datasets,
        logged_models,
        artifacts,
        registered_models,
        model_versions,
        purges,
        model_aliases,
        model_experiments,
        traces,
        trace_metrics,
        spans,
        assessments,
        evaluation_datasets,
        issues,
        scorers,
        label_schemas,
        review_queues,
    )
    for name, contract in vars(module).items()
    if isinstance(contract, type)
    and issubclass(contract, Message)
    and contract.__module__ == module.__name__
}
