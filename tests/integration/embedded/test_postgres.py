import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from deploy.local.embedded.postgres import EmbeddedPostgres
from deploy.local.embedded.process import ProcessFailedError
from deploy.local.embedded.provision import provision_services
from tests.processes import alive, gone, open_to_others, opened

ROOT = Path(__file__).parents[3]


async def fetch(dsn, query):
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_a_second_start_keeps_data_and_password_and_closes_them(open_directory):
    async with EmbeddedPostgres(open_directory / "pg", fsync=False) as server:
        first = server.dsn("postgres")
        await fetch(first, "CREATE TABLE kept AS SELECT 42 AS answer")
    opened(open_directory / "pg")
    async with EmbeddedPostgres(open_directory / "pg", fsync=False) as server:
        assert await fetch(server.dsn("postgres"), "SELECT answer FROM kept") == 42
        assert not open_to_others(open_directory / "pg")


async def test_stopping_leaves_no_process(open_directory):
    async with EmbeddedPostgres(open_directory / "pg", fsync=False) as server:
        pid = server.pid
        assert alive(pid)
    assert not alive(pid)


async def test_a_wrong_password_is_refused(postgres):
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(postgres.dsn("postgres"), password="wrong")


async def test_after_a_crash_the_same_address_serves_the_same_data(open_directory):
    async with EmbeddedPostgres(open_directory / "pg") as server:
        address = server.dsn("postgres")
        await fetch(address, "CREATE TABLE kept AS SELECT 42 AS answer")
        await server.kill()
        await server.start()
        assert server.dsn("postgres") == address
        assert await fetch(address, "SELECT answer FROM kept") == 42


async def test_a_pid_file_of_another_program_does_not_prevent_the_start(open_directory):
    async with EmbeddedPostgres(open_directory / "pg", fsync=False) as server:
        pid_file = open_directory / "pg/cluster/postmaster.pid"
        content = pid_file.read_text()
        await server.kill()
    with subprocess.Popen(["sleep", "60"]) as stranger:
        lines = content.splitlines(keepends=True)
        pid_file.write_text("".join([f"{stranger.pid}\n", *lines[1:]]))
        async with EmbeddedPostgres(open_directory / "pg", fsync=False) as server:
            assert await fetch(server.dsn("postgres"), "SELECT 1") == 1
        stranger.kill()


async def test_two_servers_cannot_share_a_directory(open_directory):
    async with EmbeddedPostgres(open_directory / "pg", fsync=False):
        with pytest.raises(ProcessFailedError, match="another Warren"):
            await EmbeddedPostgres(open_directory / "pg").start()


async def test_a_failed_start_tells_what_the_server_wrote(open_directory):
    bin_dir = open_directory / "bin"
    bin_dir.mkdir()
    (bin_dir / "initdb").write_text("#!/bin/sh\necho no room left\nexit 1\n")
    (bin_dir / "initdb").chmod(0o755)
    with pytest.raises(ProcessFailedError, match="no room left"):
        await EmbeddedPostgres(open_directory / "pg", bin_dir).start()


async def test_a_service_owns_its_schema_and_cannot_read_anothers(open_directory):
    async with EmbeddedPostgres(open_directory / "pg", fsync=False) as server:
        await provision_services(server, ["tracking", "registry"])
        dsns = await provision_services(server, ["tracking", "registry"])
        await fetch(dsns["tracking"], "CREATE TABLE tracking.secret AS SELECT 1 AS value")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await fetch(dsns["registry"], "SELECT value FROM tracking.secret")


PARENT = """
import asyncio, sys
from pathlib import Path
from deploy.local.embedded.postgres import EmbeddedPostgres

async def main():
    async with EmbeddedPostgres(Path(sys.argv[1]), fsync=False) as server:
        print(server.pid, flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.fixture
def closed_directory(open_directory):
    """Return a directory that only its owner can reach, like root's home."""
    open_directory.chmod(0o700)
    return open_directory


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux signals the death of a parent")
@pytest.mark.parametrize("place", ["open_directory", "closed_directory"])
async def test_a_killed_parent_leaves_no_server_and_the_next_start_works(place, request):
    data = request.getfixturevalue(place) / "pg"
    if place == "closed_directory" and os.geteuid() == 0 and shutil.which("unshare") is None:
        pytest.skip("root can use such a directory in a user namespace only")
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(data)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as parent:
        server_pid = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    async with EmbeddedPostgres(data, fsync=False) as server:
        assert await fetch(server.dsn("postgres"), "SELECT 1") == 1
    assert await gone(server_pid)
