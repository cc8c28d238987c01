"""Prompts: models with a tag, which share the names but not the searches of models."""

import pytest

from shared.contracts.errors import DomainError, ErrorCode
from tests.integration.registry.conftest import Registry

IS_PROMPT = {"key": "mlflow.prompt.is_prompt", "value": "true"}
NO_PROMPTS = "tag.`mlflow.prompt.is_prompt` != 'true'"
"""What stock clients add to each search of theirs."""

PROMPTS = "tags.`mlflow.prompt.is_prompt` = 'true'"


async def test_a_prompt_is_read_by_version_and_alias(registry: Registry) -> None:
    await registry.prompt("greeting", "Hello {{name}}")
    await registry.call("SetRegisteredModelAlias", name="greeting", alias="live", version="1")
    reply = await registry.call("GetModelVersionByAlias", name="greeting", alias="live")
    tags = {tag["key"]: tag["value"] for tag in reply["model_version"]["tags"]}
    assert tags["mlflow.prompt.text"] == "Hello {{name}}"
    assert (await registry.read_model("greeting"))["tags"] == [IS_PROMPT]


async def test_prompts_and_models_do_not_show_among_each_other(registry: Registry) -> None:
    await registry.prompt("prompt")
    await registry.model("model", tags=[{"key": "team", "value": "x"}])
    await registry.version("model")
    for message, key in (
        ("SearchRegisteredModels", "registered_models"),
        ("SearchModelVersions", "model_versions"),
    ):
        for filter_, expected in (
            ("", ["model"]),
            (NO_PROMPTS, ["model"]),
            ("tags.`mlflow.prompt.is_prompt` = 'false'", ["model"]),
            (f"name LIKE '%m%' AND {NO_PROMPTS}", ["model"]),
            ("name = 'prompt'", []),
            (PROMPTS, ["prompt"]),
            ("tags.`mlflow.prompt.is_prompt` != 'false'", ["prompt"]),
            (f"{PROMPTS} AND name = 'model'", []),
        ):
            reply = await registry.call(message, filter=filter_)
            assert [each["name"] for each in reply[key]] == expected, (message, filter_)


async def test_a_clause_on_the_tag_leaves_the_others_in_force(registry: Registry) -> None:
    await registry.model("a", tags=[{"key": "team", "value": "x"}])
    await registry.model("b")
    filter_ = f"{NO_PROMPTS} AND tags.team = 'x'"
    reply = await registry.call("SearchRegisteredModels", filter=filter_)
    assert [each["name"] for each in reply["registered_models"]] == ["a"]


async def test_one_name_cannot_be_a_model_and_a_prompt(registry: Registry) -> None:
    await registry.model("model")
    await registry.prompt("prompt")
    for name, tags, refusal in (
        ("prompt", [IS_PROMPT], "Prompt (name=prompt) already exists."),
        (
            "model",
            [IS_PROMPT],
            (
                "Tried to create a prompt with name 'model', but the name is already taken by a "
                "registered model. MLflow does not allow creating a model and a prompt with the same "
                "name."
            ),
        ),
        (
            "prompt",
            [],
            (
                "Tried to create a registered model with name 'prompt', but the name is already taken "
                "by a prompt. MLflow does not allow creating a model and a prompt with the same name."
            ),
        ),
    ):
        with pytest.raises(DomainError) as caught:
            await registry.model(name, tags=tags)
        assert caught.value.code is ErrorCode.RESOURCE_ALREADY_EXISTS
        assert caught.value.message == refusal


@pytest.mark.parametrize("source", ["dummy-source", "prompt-template"])
async def test_a_prompts_source_is_a_placeholder(registry: Registry, source: str) -> None:
    await registry.model("p", tags=[IS_PROMPT])
    assert (await registry.version("p", source=source, tags=[IS_PROMPT]))["source"] == source


async def test_any_other_source_of_a_prompt_is_refused(registry: Registry) -> None:
    await registry.model("p", tags=[IS_PROMPT])
    with pytest.raises(DomainError) as caught:
        await registry.version("p", source="/etc/passwd", tags=[IS_PROMPT])
    assert caught.value.message == (
        "Invalid prompt source: '/etc/passwd'. Prompt sources must use an MLflow placeholder."
    )
    # Without the tag it is a model's version, whose source can't be a placeholder.
    with pytest.raises(DomainError, match="Invalid model version source: 'dummy-source'"):
        await registry.version("p", source="dummy-source")
