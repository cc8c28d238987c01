"""Scorers: registered, listed, read by version, configured and deleted."""

import mlflow
from mlflow.genai.judges import make_judge
from mlflow.genai.scorers import (
    Safety,
    ScorerSamplingConfig,
    delete_scorer,
    get_scorer,
    list_scorers,
    scorer,
)
from mlflow.genai.scorers.registry import list_scorer_versions
from scenario import new_experiment, refused

SINCE = "3.17"

experiment_id = new_experiment("scorers")
mlflow.set_experiment(experiment_id=experiment_id)

MODEL = "openai:/gpt-4.1-mini"


def judge(instructions):
    """Return a judge that asks a model."""
    return make_judge(name="polite", instructions=instructions, model=MODEL)


first = judge("Is {{ outputs }} polite? ü").register()
second = judge("Is {{ outputs }} kind?").register()
safety = Safety(model=MODEL).register(name="safe")
assert [each.name for each in list_scorers()] == ["polite", "safe"]
assert [number for _, number in list_scorer_versions(name="polite")] == [1, 2]
assert get_scorer(name="polite").instructions == "Is {{ outputs }} kind?"
assert get_scorer(name="polite", version=1).instructions == "Is {{ outputs }} polite? ü"
with refused("RESOURCE_DOES_NOT_EXIST"):
    get_scorer(name="polite", version=3)

# No model of a gateway: it can't be run by the server, as on a server of MLflow's.
sampled = ScorerSamplingConfig(sample_rate=0.5, filter_string="status = 'OK'")
with refused("INVALID_PARAMETER_VALUE"):
    second.start(sampling_config=sampled)
with refused("RESOURCE_DOES_NOT_EXIST"):
    make_judge(name="g", instructions="{{ outputs }}?", model="gateway:/mine").register()
stopped = second.stop()
assert stopped.sample_rate == 0, stopped
updated = second.update(
    sampling_config=ScorerSamplingConfig(sample_rate=0, filter_string="status = 'OK'")
)
assert updated.filter_string == "status = 'OK'", updated
assert get_scorer(name="polite").filter_string == "status = 'OK'"
by_name = {each.name: each.sample_rate for each in list_scorers()}
assert by_name == {"polite": 0, "safe": None}, by_name


@scorer
def long_enough(outputs):
    """Return whether an answer is long."""
    return len(outputs) > 10


with refused("INVALID_PARAMETER_VALUE"):
    long_enough.register()

delete_scorer(name="polite", version=1)
assert [number for _, number in list_scorer_versions(name="polite")] == [2]
delete_scorer(name="polite", version="all")
delete_scorer(name="safe", version=1)
assert list_scorers() == []
