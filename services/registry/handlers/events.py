"""Events of the registry service. Builders only; the outbox carries them.

Nouns and verbs are those of MLflow's webhooks where MLflow has one. Prompts are models here, too.
"""

from pydantic_core import to_json

from shared.database.transaction import Event, Transaction


def model_event(tx: Transaction, verb: str, name: str, **more: str) -> Event:
    """Return ``<project>.registered_model.<verb>``: created, updated, renamed or deleted."""
    return _event(tx, "registered_model", verb, name=name, **more)


def model_tag_event(tx: Transaction, verb: str, name: str, key: str) -> Event:
    """Return ``<project>.registered_model_tag.<verb>``: set or deleted."""
    return _event(tx, "registered_model_tag", verb, name=name, key=key)


def version_event(tx: Transaction, verb: str, name: str, version: int, **more: str | None) -> Event:
    """Return ``<project>.model_version.<verb>``: created, updated, stage_transitioned or deleted."""
    return _event(tx, "model_version", verb, name=name, version=str(version), **more)


def version_tag_event(tx: Transaction, verb: str, name: str, version: int, key: str) -> Event:
    """Return ``<project>.model_version_tag.<verb>``: set or deleted."""
    return _event(tx, "model_version_tag", verb, name=name, version=str(version), key=key)


def alias_event(tx: Transaction, verb: str, name: str, alias: str, **more: str) -> Event:
    """Return ``<project>.model_version_alias.<verb>``: set or deleted."""
    return _event(tx, "model_version_alias", verb, name=name, alias=alias, **more)


def _event(tx: Transaction, noun: str, verb: str, **payload: str | None) -> Event:
    known = {key: value for key, value in payload.items() if value is not None}
    return Event(f"{tx.project}.{noun}.{verb}", to_json(known))
