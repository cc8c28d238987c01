import json
import os
import signal
import subprocess
import sys
import time
from io import BytesIO
from pathlib import Path

import pytest
from minio import Minio
from minio.error import S3Error

from deploy.local.embedded.process import ProcessFailedError
from deploy.local.embedded.s3 import EmbeddedS3
from tests.listeners import unix_listeners
from tests.processes import alive, gone, open_to_others, opened

ROOT = Path(__file__).parents[3]


def client(server):
    keys = server.credentials
    host = server.endpoint.removeprefix("http://")
    return Minio(host, keys.access_key, keys.secret_key, secure=False, region="us-east-1")


def read(server, key):
    with client(server).get_object("kept", key) as answer:
        return answer.read()


async def test_a_second_start_keeps_objects_and_keys_on_other_ports_and_closes_them(tmp_path):
    async with EmbeddedS3(tmp_path / "s3") as server:
        first = server.endpoint
        client(server).make_bucket("kept")
        client(server).put_object("kept", "a", BytesIO(b"content"), 7)
    opened(tmp_path / "s3")
    async with EmbeddedS3(tmp_path / "s3") as server:
        assert server.endpoint != first
        assert read(server, "a") == b"content"
        client(server).put_object("kept", "b", BytesIO(b"content"), 7)
        assert not open_to_others(tmp_path / "s3")


async def test_it_is_ready_soon(tmp_path):
    async with EmbeddedS3(tmp_path / "s3"):
        pass
    began = time.monotonic()
    async with EmbeddedS3(tmp_path / "s3"):
        assert time.monotonic() - began < 4


async def test_after_a_crash_the_same_address_serves_the_same_objects(tmp_path):
    async with EmbeddedS3(tmp_path / "s3") as server:
        address = server.endpoint
        client(server).make_bucket("kept")
        client(server).put_object("kept", "a", BytesIO(b"content"), 7)
        await server.kill()
        await server.start()
        assert server.endpoint == address
        assert read(server, "a") == b"content"


async def test_stopping_leaves_no_process(tmp_path):
    async with EmbeddedS3(tmp_path / "s3") as server:
        pid = server.pid
        assert alive(pid)
        sockets = unix_listeners([pid])
        assert sockets
    assert not alive(pid)
    assert not [socket for socket in sockets if socket.exists()]


async def test_killing_leaves_no_socket_for_all_to_see(tmp_path):
    async with EmbeddedS3(tmp_path / "s3") as server:
        sockets = unix_listeners([server.pid])
        assert [socket for socket in sockets if socket.parts[1] == "tmp"]
        await server.kill()
    assert not [socket for socket in sockets if socket.parts[1] == "tmp" and socket.exists()]


async def test_wrong_keys_are_refused(tmp_path):
    async with EmbeddedS3(tmp_path / "s3") as server:
        host = server.endpoint.removeprefix("http://")
        stranger = Minio(host, "a" * 20, "b" * 40, secure=False, region="us-east-1")
        with pytest.raises(S3Error, match="InvalidAccessKeyId"):
            stranger.list_buckets()


async def test_it_listens_on_loopback_only(tmp_path):
    async with EmbeddedS3(tmp_path / "s3") as server:
        listening = subprocess.run(
            ["ss", "-Htlnp"], capture_output=True, text=True, check=True
        ).stdout
        own = [line.split()[3] for line in listening.splitlines() if f"pid={server.pid}," in line]
        assert own
        assert all(address.startswith("127.0.0.1:") for address in own), own


async def test_two_servers_cannot_share_a_directory(tmp_path):
    async with EmbeddedS3(tmp_path / "s3"):
        with pytest.raises(ProcessFailedError, match="another Warren"):
            await EmbeddedS3(tmp_path / "s3").start()


async def test_a_missing_program_says_what_else_there_is(tmp_path):
    with pytest.raises(ProcessFailedError, match="WARREN_S3_ENDPOINT"):
        await EmbeddedS3(tmp_path / "s3", tmp_path / "no-weed").start()


async def test_a_failed_start_tells_what_the_server_wrote(tmp_path):
    program = tmp_path / "weed"
    program.write_text("#!/bin/sh\necho no room left\nexit 1\n")
    program.chmod(0o755)
    with pytest.raises(ProcessFailedError, match="no room left"):
        await EmbeddedS3(tmp_path / "s3", program).start()


PARENT = """
import asyncio, sys
from pathlib import Path
from deploy.local.embedded.s3 import EmbeddedS3

async def main():
    async with EmbeddedS3(Path(sys.argv[1])) as server:
        print(server.pid, flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux signals the death of a parent")
async def test_a_killed_parent_leaves_no_server_and_the_next_start_works(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "s3")],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as parent:
        pid = int(parent.stdout.readline())
        os.kill(parent.pid, signal.SIGKILL)
    async with EmbeddedS3(tmp_path / "s3") as server:
        assert json.loads((tmp_path / "s3/credentials.json").read_text())
        assert client(server).list_buckets() == []
    assert await gone(pid)
