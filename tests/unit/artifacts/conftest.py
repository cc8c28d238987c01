"""The artifacts service on a fake store."""

import json
import time

import pytest

from services.artifacts.handlers import HANDLERS
from services.artifacts.processor import StorageProcessor
from shared.messaging.messages import Envelope, new_id
from tests.unit.artifacts.fake_store import FakeStore

LIMIT = 100
URI = "mlflow-artifacts:/7/0/run/artifacts"
ROOT = "7/0/run/artifacts"


@pytest.fixture
def store():
    return FakeStore(page_entries=3)


@pytest.fixture
def processor(store):
    return StorageProcessor(store, HANDLERS, LIMIT)


def envelope(name, project=7, deadline=None, **fields):
    return Envelope(
        id=new_id(),
        name=name,
        project=project,
        payload=json.dumps(fields).encode(),
        deadline=time.time() + 10 if deadline is None else deadline,
    )


def asks(processor):
    """Return a function that sends a message and returns the answer's error, or its JSON."""

    async def ask(name, **fields):
        answer = await processor.query(envelope(name, **fields))
        return answer.error or json.loads(answer.body)

    return ask


@pytest.fixture
def ask(processor):
    return asks(processor)
