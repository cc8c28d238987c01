"""Large traces through real servers: whole, and without a process that holds more of one than its request.

`make soak` writes 50 MB in 20,000 and in 33,000 spans.
"""

import json
import os
import random
import time

import pytest

from deploy.local.embedded.progress import announce
from tests.bench.scale.memory import growth
from tests.rest import api
from tests.unit.gateway.otlp.requests import PROTOBUF, a_span, body_of

SOAK = "WARREN_SOAK_SPANS" in os.environ
COUNTS = [int(each) for each in os.environ.get("WARREN_SOAK_SPANS", "4000").split(",")]
MEGABYTES = 50 if SOAK else 8
ALLOWED_MEGABYTES = {"gateway": 64, "traces": 96}
"""What a process may grow by, besides the body of the request that it reads."""


def processes_of(warren):
    return {pid: name for name in ALLOWED_MEGABYTES for pid in warren.pids(name)}


def request_of(count, megabytes):
    """Return a trace's id and one OTLP request with all its spans, of about so many megabytes."""
    trace_id = random.randbytes(16)
    text = "x" * (megabytes * 1_000_000 // count)
    root, *others = [a_span(number, text, trace_id=trace_id) for number in range(1, count + 1)]
    for number, each in enumerate(others):
        each.parent_span_id = root.span_id
        each.start_time_unix_nano += number
    return f"tr-{trace_id.hex()}", body_of(*others, root)


async def write(rest, url, headers, body):
    async with rest.session.post(f"{url}/v1/traces", data=body, headers=headers) as answer:
        assert (answer.status, await answer.read()) == (200, b"")


async def read(rest, url, path, **query):
    """Return the size of an answer, and its JSON. It is taken piece by piece, as clients do."""
    async with rest.session.get(f"{url}{path}", params=query) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.read()


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("count", COUNTS)
async def test_a_large_trace_takes_bounded_memory(stack_warren, count):
    url = stack_warren.url
    async with api(url) as rest:
        experiment_id = await rest.new_experiment(f"{count} spans")
        headers = PROTOBUF | {"x-mlflow-experiment-id": experiment_id}
        # What a first large request loads and allocates is not growth.
        warm_id, warm = request_of(1_000, 4)
        await write(rest, url, headers, warm)
        path = "/api/3.0/mlflow/traces/get"
        await read(rest, url, path, trace_id=warm_id)
        trace_id, body = request_of(count, MEGABYTES)
        with growth(lambda: processes_of(stack_warren)) as writing:
            began = time.monotonic()
            await write(rest, url, headers, body)
        announce(f"{count} spans: written in {time.monotonic() - began:.1f} s, MB {writing}")
        held = len(body) / 1_000_000
        allowed = {**ALLOWED_MEGABYTES, "gateway": ALLOWED_MEGABYTES["gateway"] + 3 * held}
        assert all(writing[each] < allowed[each] for each in allowed), writing
        for path, query in (
            ("/api/3.0/mlflow/traces/get", {"trace_id": trace_id}),
            ("/ajax-api/2.0/mlflow/get-trace-artifact", {"request_id": trace_id}),
        ):
            with growth(lambda: processes_of(stack_warren)) as reading:
                began = time.monotonic()
                answer = await read(rest, url, path, **query)
            announce(f"{len(answer)} bytes: read in {time.monotonic() - began:.1f} s, MB {reading}")
            found = json.loads(answer)
            spans = found["trace"]["spans"] if "trace" in found else found["spans"]
            assert len({each["span_id"] for each in spans}) == len(spans) == count
            assert all(reading[each] < ALLOWED_MEGABYTES[each] for each in reading), reading
