"""Versions, stages and aliases, as MLflow judges them."""

import pytest

from services.registry.store.prompts import visible
from services.registry.validation import parse_stage, parse_version
from shared.contracts.views import ModelStage
from shared.mlflow.search.grammars import REGISTERED_MODELS
from shared.mlflow.search.parser import parse_filter


@pytest.mark.parametrize(("text", "number"), [("1", 1), (" 7 ", 7), ("2147483647", 2**31 - 1)])
def test_versions_are_integers(text: str, number: int) -> None:
    assert parse_version(text) == number


@pytest.mark.parametrize("text", ["0", "-1", "2147483648", "9" * 4000])
def test_what_no_version_can_be_is_none(text: str) -> None:
    assert parse_version(text) == 0


@pytest.mark.parametrize("stage", list(ModelStage))
def test_stages_are_read_in_any_case(stage: ModelStage) -> None:
    for spelling in (stage.value, stage.lower(), stage.upper()):
        assert parse_stage(spelling) is stage


TAG = "tags.`mlflow.prompt.is_prompt`"


@pytest.mark.parametrize(
    ("filter_", "prompts", "rest"),
    [
        ("", False, 0),
        ("name = 'a'", False, 1),
        (f"{TAG} = 'true'", True, 1),
        (f"{TAG} = 'TRUE'", True, 1),
        (f"{TAG} != 'false'", True, 1),
        (f"{TAG} != 'true'", False, 0),
        (f"{TAG} = 'false' AND name = 'a'", False, 1),
        (f"{TAG} LIKE '%'", False, 0),
        # The first clause decides.
        (f"{TAG} != 'true' AND {TAG} = 'true'", False, 0),
        (f"{TAG} = 'true' AND {TAG} != 'true'", True, 2),
        ("tags.other = 'true'", False, 1),
    ],
)
def test_whether_a_filter_asks_for_prompts(filter_: str, prompts: bool, rest: int) -> None:
    asked, comparisons = visible(parse_filter(filter_, REGISTERED_MODELS))
    assert (asked, len(comparisons)) == (prompts, rest)
