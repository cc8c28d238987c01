"""GitLab's dialect: a run is a version's from the registry's claim on, and for good once the version is there."""

import json

import pytest

from services.tracking.store.model_experiments import CLAIM_LIFETIME_MS
from shared.contracts.errors import DomainError, ErrorCode
from tests.integration.registry.both import Both
from tests.service_pools import Pool


@pytest.fixture
async def both(registry_pool: Pool, tracking_pool: Pool) -> Both:
    both = Both(registry_pool, tracking_pool)
    await both.model("m")
    return both


async def test_a_run_is_free_again_if_its_version_was_never_made(both: Both) -> None:
    run_id = (await both.new_run(experiment_id="0"))["info"]["run_id"]
    both.fault = DomainError(ErrorCode.TEMPORARILY_UNAVAILABLE, "lost")
    with pytest.raises(DomainError, match="try again"):
        await both.version("m", run_id=run_id)
    made = (await both.version("m"))["run_id"]
    for each in (run_id, made):
        with pytest.raises(DomainError, match="Cannot delete a candidate associated"):
            await both.ask("DeleteRun", run_id=each)
    await both.spread_events(twice=True)
    await both.tracking_pool.execute(
        "UPDATE version_runs SET claimed_time = claimed_time - $1", 2 * CLAIM_LIFETIME_MS
    )
    with pytest.raises(DomainError, match="Cannot delete a candidate associated"):
        await both.ask("DeleteRun", run_id=made)
    await both.ask("DeleteRun", run_id=run_id)


async def test_whatever_a_client_wrote_in_the_tag_versions_are_named_in_it(both: Both) -> None:
    model = (await both.ask("CreateLoggedModel", experiment_id="0", name="x"))["model"]["info"]
    source = f"models:/{model['model_id']}"
    for value in ("", "{}", "no JSON", "[" * 5000):
        tag = {"key": "mlflow.modelVersions", "value": value}
        await both.ask("SetLoggedModelTags", model_id=model["model_id"], tags=[tag])
        version = await both.version("m", source=source, model_id=model["model_id"])
        await both.spread_events()
        reply = await both.ask("GetLoggedModel", model_id=model["model_id"])
        tags = {tag["key"]: tag["value"] for tag in reply["model"]["info"]["tags"]}
        expected = [{"name": "m", "version": version["version"]}]
        assert json.loads(tags["mlflow.modelVersions"]) == expected
