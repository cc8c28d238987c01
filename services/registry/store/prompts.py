"""Prompts: MLflow stores them as models with a tag, and hides them from searches."""

from collections.abc import Sequence

from services.registry.validation import PROMPT_TAG
from shared.mlflow.search.ast import Comparator, Comparison, Entity
from shared.mlflow.search.sql import exists


def visible(comparisons: Sequence[Comparison]) -> tuple[bool, Sequence[Comparison]]:
    """Tell whether a filter asks for prompts, and return the comparisons to search by.

    The first clause on the tag decides, as in MLflow's ``_is_querying_prompt``. If it does not ask for
    prompts, prompts are hidden and all clauses on the tag are left out. Clients add
    ``tag.`mlflow.prompt.is_prompt` != 'true'`` to every search. So a search finds the models, although
    they don't have the tag.
    """
    on_the_tag = [c for c in comparisons if c.entity is Entity.TAG and c.key == PROMPT_TAG]
    if on_the_tag and _asks_for_prompts(on_the_tag[0]):
        return True, comparisons
    return False, [c for c in comparisons if c not in on_the_tag]


def _asks_for_prompts(comparison: Comparison) -> bool:
    wanted = (comparison.comparator, str(comparison.value).lower())
    return wanted in ((Comparator.EQ, "true"), (Comparator.NE, "false"))


def hidden(table: str, owner: str) -> str:
    """Return the condition that a model has no prompt tag; ``owner`` is the model's alias in the statement."""
    found = (
        f"{table} p WHERE p.project_id = {owner}.project_id"
        f" AND p.registered_model_id = {owner}.registered_model_id"
        f" AND p.key = '{PROMPT_TAG}' AND p.value = 'true'"
    )
    return f"NOT {exists(found)}"
