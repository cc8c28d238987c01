"""The names under which a contract accepts its fields."""

from collections.abc import Iterator
from functools import cache

from pydantic import AliasChoices, BaseModel
from pydantic.fields import FieldInfo


def names_of(name: str, field: FieldInfo) -> Iterator[str]:
    """Yield all names of a field that its contract accepts."""
    yield name
    alias = field.validation_alias
    if isinstance(alias, AliasChoices):
        yield from (choice for choice in alias.choices if isinstance(choice, str))
    elif isinstance(alias, str):
        yield alias


@cache
def accepted_names(contract: type[BaseModel]) -> frozenset[str]:
    """Return the names of all fields of a contract."""
    fields = contract.model_fields.items()
    return frozenset(each for name, field in fields for each in names_of(name, field))
