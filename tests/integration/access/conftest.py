"""The access service without a broker: its executor on a migrated schema."""

import asyncio
import dataclasses
import itertools
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import asyncpg
import pytest
from yarl import URL

from deploy.local.embedded.postgres import EmbeddedPostgres
from deploy.local.embedded.s3 import EmbeddedS3
from deploy.local.standalone.__main__ import warren
from deploy.local.standalone.servers import Servers
from deploy.local.standalone.settings import StandaloneSettings
from deploy.services import POSTGRES_SERVICES
from services.access.bootstrap import SCHEMA, ensure_root_token
from services.access.handlers import HANDLERS
from services.artifacts.settings import S3Settings
from shared.contracts.errors import DomainError
from shared.contracts.token_digests import digest_of
from shared.messaging.messages import Envelope, Frame, new_id
from shared.postgres.executor import Executor
from shared.postgres.pool import open_pool
from shared.runtime.health import Monitor

ROOT_TOKEN = "glpat-root-root-root-root"

TODAY = datetime.now(UTC).date()
LATER = (TODAY + timedelta(days=30)).isoformat()

SOON = 5.0
"""Seconds: it is one, on a machine that has nothing else to do, and a minute if no event is heard."""


class Access:
    """Sends messages as the worker would."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self.pool = pool
        self.executor = Executor(pool, HANDLERS)

    async def call(self, name: str, user_id: int | None = None, /, **fields: Any) -> Any:
        """Carry out one message in a user's name and return its JSON. Raises DomainError."""
        payload = json.dumps(fields).encode()
        envelope = Envelope(
            new_id(), name, 1, payload, deadline=time.time() + 60, user_id=user_id, dialect="gitlab"
        )
        if HANDLERS.messages[name].kind == "queries":
            answer = await self.executor.query(envelope)
        else:
            frame = Frame(new_id(), "commands", [envelope])
            outcome = await self.executor.commands(frame, redelivered=False)
            assert not outcome.poison
            answer = outcome.answers[0]
        if answer.error:
            raise DomainError(answer.error, answer.body.decode())
        return json.loads(answer.body)

    async def authorize(self, token: str = "", project: str = "") -> Any:
        """Ask as a gateway does."""
        digest = digest_of(token) if token else ""
        return await self.call("Authorize", token_digest=digest, project=project)

    async def topics(self) -> list[str]:
        """Return the topics of all events, in their order."""
        rows = await self.pool.fetch("SELECT topic FROM outbox ORDER BY position")
        return [row["topic"] for row in rows]


@pytest.fixture
async def pool(database_dsn: str):
    """A pool on the schema of a database of the test's own, with a known first administrator."""
    await ensure_root_token(database_dsn, ROOT_TOKEN)
    pool = await open_pool(database_dsn, schema=SCHEMA, size=4, application_name="test")
    yield pool
    await pool.close()


@pytest.fixture
def access(pool: "asyncpg.Pool[asyncpg.Record]") -> Access:
    """The service."""
    return Access(pool)


class Api:
    """GitLab's and MLflow's API of one Warren, as the holder of a token uses it."""

    def __init__(
        self, session: aiohttp.ClientSession, url: str, token: str = "", workspace: str = ""
    ) -> None:
        self.session = session
        self.url = url
        self.token = token
        self.workspace = workspace
        self.user: dict[str, Any] = {}

    def of(self, token: str) -> "Api":
        """Return the same for another token."""
        return Api(self.session, self.url, token)

    def within(self, workspace: str) -> "Api":
        """Return the same as MLflow's clients use it after ``mlflow.set_workspace``."""
        return Api(self.session, self.url, self.token, workspace)

    async def __call__(
        self, method: str, path: str, *, raw: bool = False, **options: Any
    ) -> tuple[int, Any]:
        """Send a request; return the status and what the JSON says, or with ``raw`` the text."""
        headers = {"PRIVATE-TOKEN": self.token} if self.token else {}
        if self.workspace:
            headers["X-MLFLOW-WORKSPACE"] = self.workspace
        url = URL(f"{self.url}{path}", encoded=True)
        async with self.session.request(method, url, headers=headers, **options) as response:
            text = await response.text()
            self.headers = response.headers
            if raw:
                return response.status, text
            return response.status, json.loads(text) if text else None

    async def make(self, path: str, /, **fields: Any) -> Any:
        """Make something with GitLab's API and return it."""
        status, body = await self("POST", f"/api/v4{path}", json=fields)
        assert status in (200, 201), body
        return body

    async def member(self, role: int, place: str, scopes: Sequence[str] = ("api",)) -> "Api":
        """Make a user with a role in a project or group, who uses the API."""
        number = next(NUMBERS)
        user = await self.make("/users", username=f"user{number}", name=f"User {number}")
        if role:
            await self.make(f"{place}/members", user_id=user["id"], access_level=role)
        made = await self.make(
            f"/users/{user['id']}/personal_access_tokens", name="t", scopes=list(scopes)
        )
        api = self.of(made["token"])
        api.user = user
        return api


NUMBERS = itertools.count(1)


def name(prefix: str) -> str:
    """Return a name that nothing has yet."""
    return f"{prefix}{next(NUMBERS)}"


def place(project: Any) -> str:
    """Return where GitLab's API has a project."""
    return f"/projects/{project['id']}"


def mlflow(project: Any, path: str) -> str:
    """Return where a project has a path of MLflow's API."""
    return f"/api/v4/projects/{project['id']}/ml/mlflow/api/2.0/mlflow/{path}"


@pytest.fixture(scope="session")
async def house(
    postgres: EmbeddedPostgres, s3: EmbeddedS3, tmp_path_factory: pytest.TempPathFactory
):
    """A whole Warren that asks for tokens, in this process; give its administrator's view of it."""
    admin = await asyncpg.connect(postgres.dsn("postgres"))
    await admin.execute("CREATE DATABASE house")
    await admin.close()
    dsn = postgres.dsn("house")
    settings = StandaloneSettings(
        port=0,
        access_mode="token",
        direct_artifacts=True,
        data=tmp_path_factory.mktemp("house"),
        _cli_parse_args=False,
    )
    storage = S3Settings(endpoint=s3.endpoint, bucket="house", **dataclasses.asdict(s3.credentials))
    under = Servers(dict.fromkeys(POSTGRES_SERVICES, dsn), storage)
    await ensure_root_token(dsn, ROOT_TOKEN)
    async with warren(settings, under, Monitor()) as server, aiohttp.ClientSession() as session:
        yield Api(session, f"http://127.0.0.1:{server.port}", ROOT_TOKEN)


async def until(condition: Callable[[], Awaitable[bool]]) -> float:
    """Wait until a condition holds; return the seconds that it took."""
    began = time.monotonic()
    while not await condition():
        assert time.monotonic() - began < 10
        await asyncio.sleep(0.02)
    return time.monotonic() - began


@pytest.fixture
async def group(house: Api) -> Any:
    """A group of the test's own."""
    return await house.make("/groups", name="Team", path=name("team"))


@pytest.fixture
async def project(house: Api, group: Any) -> Any:
    """A project in it."""
    return await house.make("/projects", name=name("p"), namespace_id=group["id"])
