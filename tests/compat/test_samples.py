"""Samples of metrics for charts are those of MLflow's newest server, with blocks and without."""

import json
import subprocess
from pathlib import Path
from random import Random

import pytest

from services.tracking.store.blocks import make_blocks
from tests.compat.conftest import NEWEST, venv_of
from tests.integration.tracking.conftest import PROJECT, Tracking
from tests.integration.tracking.test_metric_blocks import log_all, repeated, rising, sample
from tests.service_pools import Pool

SCRIPT = Path(__file__).with_name("mlflow_samples.py")
ASKED = [(1, None), (2, None), (7, None), (30, None), (320, None), (5, (-3, 3)), (30, (-40, 900))]


@pytest.fixture(scope="module")
def series():
    """A long and regular one, some with repeated steps and moments, a short one."""
    return [rising(5_000), *(repeated(Random(seed), 3_000) for seed in range(3)), rising(3)]


@pytest.fixture(scope="module")
def mlflows(series):
    """What MLflow's own store answers."""
    asked = [(limit, *(steps or (None, None))) for limit, steps in ASKED]
    python = venv_of(NEWEST) / "bin" / "python"
    said = subprocess.run(
        (python, SCRIPT),
        input=json.dumps([(each, asked) for each in series]),
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(said.stdout)


@pytest.mark.parametrize("blocks", [False, True], ids=["live", "blocks"])
async def test_samples_are_mlflows(series, mlflows, tracking_pool: Pool, blocks):
    tracking = Tracking(tracking_pool)
    for points, expected in zip(series, mlflows, strict=True):
        run_id = await tracking.run()
        await log_all(tracking, run_id, points)
        if blocks and len(points) > 1_000:
            assert await make_blocks(tracking.pool, PROJECT, run_id, "m") > 0
        for (limit, steps), found in zip(ASKED, expected, strict=True):
            assert [list(p) for p in await sample(tracking, run_id, limit, steps)] == found, limit
