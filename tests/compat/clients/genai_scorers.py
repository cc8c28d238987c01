"""Scorers that an experiment keeps."""

from typing import Any

import mlflow
from mlflow.genai import scorers
from mlflow.genai.scorers import RegexMatch, ResponseLength, ScorerSamplingConfig
from mlflow.genai.scorers.registry import list_scorer_versions as versions_of
from scenario import new_experiment, refused

SINCE = "3"


def _judge(name: str, about: str = "short") -> Any:
    """Describe a judge, whose model is not asked here."""
    return mlflow.genai.make_judge(
        name=name, instructions=f"Is {{{{ outputs }}}} {about}?", model="openai:/gpt-4o"
    )


def _names() -> list[str]:
    return sorted(each.name for each in scorers.list_scorers())


def register() -> None:
    """MLflow's own scorers with their settings, and judges, under another name, too."""
    new_experiment("scorers")
    assert ResponseLength(name="brief", max_length=10).register().name == "brief"
    assert _judge("short").register(name="shortest").name == "shortest"
    assert _names() == ["brief", "shortest"]


def get_scorer() -> None:
    new_experiment("scorers")
    for pattern in ("^a", "^ü"):
        RegexMatch(name="match", pattern=pattern).register()
    assert scorers.get_scorer(name="match").pattern == "^ü"
    assert scorers.get_scorer(name="match", version=1).pattern == "^a"
    with refused("RESOURCE_DOES_NOT_EXIST"):
        scorers.get_scorer(name="match", version=3)


def list_scorers() -> None:
    """The latest version of each."""
    new_experiment("scorers")
    assert _names() == []
    for about in ("short", "kind"):
        _judge("judge", about).register()
    ResponseLength(name="brief", max_length=10).register()
    found = {each.name: each for each in scorers.list_scorers()}
    assert set(found) == {"brief", "judge"}, found
    assert "kind" in found["judge"].instructions, found


def list_scorer_versions() -> None:
    new_experiment("scorers")
    for about in ("short", "kind"):
        _judge("judge", about).register()
    assert [number for _, number in versions_of(name="judge")] == [1, 2]


def delete_scorer() -> None:
    new_experiment("scorers")
    for about in ("short", "kind", "right"):
        _judge("judge", about).register()
    scorers.delete_scorer(name="judge", version=3)
    assert "kind" in scorers.get_scorer(name="judge").instructions
    scorers.delete_scorer(name="judge", version="all")
    assert _names() == []


def start() -> None:
    """What a judge needs whose model the server would ask: MLflow refuses one of its own provider, too."""
    new_experiment("scorers")
    judge = _judge("judge").register()
    with refused("INVALID_PARAMETER_VALUE"):
        judge.start(sampling_config=ScorerSamplingConfig(sample_rate=0.5))


def update() -> None:
    new_experiment("scorers")
    judge = _judge("judge").register()
    config = ScorerSamplingConfig(sample_rate=0, filter_string="status = 'OK'")
    assert judge.update(sampling_config=config).filter_string == "status = 'OK'"
    assert scorers.get_scorer(name="judge").filter_string == "status = 'OK'"


def stop() -> None:
    new_experiment("scorers")
    assert _judge("judge").register().stop().sample_rate == 0
