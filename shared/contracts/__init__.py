"""The pydantic models of every command, query and answer. No logic.

``MESSAGES`` maps the name that a bus envelope carries to the contract.
"""

from shared.contracts import (
    artifacts,
    datasets,
    experiments,
    logged_models,
    metrics,
    model_aliases,
    model_experiments,
    model_versions,
    purges,
    registered_models,
    runs,
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
    )
    for name, contract in vars(module).items()
    if isinstance(contract, type)
    and issubclass(contract, Message)
    and contract.__module__ == module.__name__
}
