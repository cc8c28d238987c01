"""Limits and naming rules of MLflow's registry, in MLflow's words.

Sources: ``mlflow/utils/validation.py``, and ``mlflow/store/model_registry/dbmodels/models.py`` for
the widths of columns. MLflow does not check these: its database refuses longer texts.
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress

from shared.contracts.errors import DomainError, invalid, missing_resource
from shared.contracts.experiments import Tag
from shared.contracts.views import ModelStage
from shared.mlflow.validation import bad_name, check_length, check_name, path_fault

MAX_MODEL_NAME_LENGTH = 256
MAX_TAG_KEY_LENGTH = 250
MAX_TAG_VALUE_LENGTH = 100_000
MAX_ALIAS_LENGTH = 255
MAX_RUN_ID_LENGTH = 256
MAX_LINK_LENGTH = 2048
"""Limit of a source and of a run link. MLflow's columns hold 500 characters; on SQLite any number."""

ACTIVE_STAGES = [ModelStage.STAGING.value, ModelStage.PRODUCTION.value]
PROMPT_TAG = "mlflow.prompt.is_prompt"
PROMPT_TEXT_TAG = "mlflow.prompt.text"
SEMVER_TAG = "gitlab.version"
"""By this tag a client chooses the semantic version of a new version, as in GitLab."""

_ALIAS = re.compile(r"[\w\-]*")
_VERSION_ALIAS = re.compile(r"[vV]\d+")
_STAGES = {stage.lower(): stage for stage in ModelStage}
_INTEGER = range(1, 2**31)


def check_model_name(name: str, path: str = "name") -> None:
    """Raise DomainError if a text can't be the name of a model or prompt."""
    if not name.strip():
        message = f"Missing value for required parameter '{path}'."
        raise invalid(message, path, missing=True)
    if "/" in name or ":" in name:
        raise invalid(f"Invalid model name '{name}'. Names cannot contain '/' or ':'.")
    if fault := path_fault(name):
        raise bad_name("name", name, fault)
    check_length("name", MAX_MODEL_NAME_LENGTH, name)


def checked_tags(tags: Sequence[Tag]) -> dict[str, str]:
    """Return the tags by key; the last value of a key counts. Raises DomainError for an invalid tag."""
    for tag in tags:
        check_tag(tag.key, tag.value)
    return {tag.key: tag.value for tag in tags}


def check_tag(key: str, value: str) -> None:
    """Raise DomainError if a model or a version can't have a tag. Long values are refused, not cut."""
    check_name("key", key)
    check_length("key", MAX_TAG_KEY_LENGTH, key)
    if key == PROMPT_TEXT_TAG and len(value) > MAX_TAG_VALUE_LENGTH:
        raise invalid(f"Prompt text exceeds max length of {MAX_TAG_VALUE_LENGTH} characters.")
    check_length("value", MAX_TAG_VALUE_LENGTH, value)


def is_prompt(tags: Mapping[str, str]) -> bool:
    """Tell whether a model or version with these tags is a prompt."""
    return is_true(tags.get(PROMPT_TAG))


def is_true(value: str | None) -> bool:
    """Tell whether this value of the tag ``mlflow.prompt.is_prompt`` makes a prompt."""
    return value is not None and value.lower() == "true"


def parse_version(version: str) -> int:
    """Read the number of a version. An integer that no version can have becomes 0, which none has.

    Raises DomainError(INVALID_PARAMETER_VALUE) if the text is not an integer.
    """
    try:
        number = int(version)
    except ValueError:
        message = f"Parameter 'version' must be an integer, got '{version}'."
        raise invalid(message) from None
    return number if number in _INTEGER else 0


def parse_stage(stage: str) -> ModelStage:
    """Read a stage; upper and lower case are equal. Raises DomainError(INVALID_PARAMETER_VALUE)."""
    canonical = _STAGES.get(stage.lower())
    if canonical is None:
        raise invalid(
            f"Invalid Model Version stage: {stage}. Value must be one of {', '.join(ModelStage)}."
        )
    return canonical


def check_alias(alias: str) -> None:
    """Raise DomainError if a text can't be an alias."""
    if not _ALIAS.fullmatch(alias):
        raise invalid(
            f"Invalid alias name: '{alias}'. Names may only contain alphanumerics, underscores "
            "(_), and dashes (-)."
        )
    check_length("Registered model alias name", MAX_ALIAS_LENGTH, alias)


def check_alias_is_free(alias: str) -> None:
    """Raise DomainError for the reserved aliases: ``latest``, and numbers such as ``v1``."""
    if alias.lower() == "latest":
        message = "'latest' alias name (case insensitive) is reserved."
        raise invalid(message)
    if _VERSION_ALIAS.fullmatch(alias):
        raise invalid(f"Version alias name '{alias}' is reserved.")


def model_not_found(name: str) -> DomainError:
    """Return MLflow's error for a model that does not exist."""
    return missing_resource(f"Registered Model with name={name} not found")


def version_not_found(name: str, version: str) -> DomainError:
    """Return MLflow's error for a version that does not exist. It writes the number ``01`` as ``1``."""
    with suppress(ValueError):
        version = str(int(version))
    return missing_resource(f"Model Version (name={name}, version={version}) not found")
