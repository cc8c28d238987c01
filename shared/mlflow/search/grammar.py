"""What a grammar is: the entities, attributes, aliases and comparators by which a noun is searched."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.mlflow.search.ast import Comparator, Entity

NUMERIC = (
    Comparator.LT,
    Comparator.LE,
    Comparator.GT,
    Comparator.GE,
    Comparator.EQ,
    Comparator.NE,
)
TEXT = (Comparator.EQ, Comparator.NE, Comparator.LIKE, Comparator.ILIKE)
LISTS = (Comparator.IN, Comparator.NOT_IN)
NULLS = (Comparator.IS_NULL, Comparator.IS_NOT_NULL)


@dataclass(frozen=True, slots=True, eq=False)
class Grammar:
    """The rules of one noun.

    - `entities` maps each accepted prefix to its entity.
    - `numeric` and `text` are the searchable attributes in canonical spelling. `aliases` maps other
      spellings to them.
    - `lists` are the text attributes that accept IN. `identifiers` are the text attributes that accept
      neither LIKE nor ILIKE.
    - `orderable` are the attributes that order_by accepts, in every accepted spelling. `sortable` are
      the entities that it accepts.
    - `nullable` are the entities that accept IS NULL. `comparators` maps each entity to the comparators
      that it accepts; `comparators_of` also knows attributes. `datasets` are the keys of a dataset.
    - `measured` are entities that `<`, `<=`, `>` and `>=` compare with numbers, and others with texts.
    - `patterns` are comparators of text attributes with regular expressions. `list_comparators` are
      those with lists.
    - `integers_only` refuses fractions for numeric attributes. `quoted_integers` allows integers in
      quotes, `bare_text` texts without quotes, `repeatable` an order_by that names a key twice.
      `doubled_quotes` reads two single quotes inside a text as one: MLflow's clients and its UI write them
      so in searches for datasets, and its server does not read them.
    - The other fields are error texts: MLflow words them differently for each noun.
    """

    entities: Mapping[str, Entity]
    unknown_entity: str
    unsupported_null: str
    unsortable: str
    numeric: frozenset[str]
    text: frozenset[str]
    lists: frozenset[str]
    orderable: frozenset[str]
    sortable: frozenset[Entity]
    nullable: frozenset[Entity]
    comparators: Mapping[Entity, tuple[Comparator, ...]]
    aliases: Mapping[str, str] = field(default_factory=dict)
    datasets: frozenset[str] = frozenset()
    identifiers: frozenset[str] = frozenset()
    measured: frozenset[Entity] = frozenset()
    patterns: tuple[Comparator, ...] = ()
    list_comparators: tuple[Comparator, ...] = LISTS
    integers_only: bool = False
    quoted_integers: bool = False
    bare_text: bool = False
    repeatable: bool = False
    doubled_quotes: bool = False
    unknown_order: str = ""
    wrong_comparator: str = "Invalid comparator '{operator}' not one of '{allowed}'"
    not_text: str = "Expected a quoted string value for attributes. Got value {value}"
    empty: str = "Invalid filter '{source}'. Could not be parsed."
    several: str = (
        "Search filter contained multiple expression {source!r}. Provide AND-ed expression list."
    )
    strangers: str = "Invalid clause(s) in filter string: {strangers}"

    @property
    def searchable(self) -> frozenset[str]:
        """Return every spelling of every attribute that a filter may compare."""
        attributes = self.numeric | self.text
        return attributes | {alias for alias, key in self.aliases.items() if key in attributes}

    def comparators_of(self, entity: Entity, key: str) -> tuple[Comparator, ...]:
        """Return the comparators that `entity.key` accepts; `key` is canonical."""
        if entity is not Entity.ATTRIBUTE:
            return self.comparators[entity]
        if key in self.numeric:
            return NUMERIC
        if key in self.identifiers:
            return (Comparator.EQ, Comparator.NE, *LISTS)
        return (*TEXT, *self.patterns, *self.list_comparators) if self.lists else TEXT

    def spelled(self, entity: Entity, key: str) -> str:
        """Return `entity.key`, written with the first of the entity's prefixes; the key alone if it has none."""
        prefix = next((name for name, each in self.entities.items() if each is entity), "")
        return f"{prefix}.{key}" if prefix else key
