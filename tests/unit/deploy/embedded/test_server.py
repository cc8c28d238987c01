import signal
from pathlib import Path

import pytest

from deploy.local.embedded.process import ChildProcess, ProcessFailedError, Program
from deploy.local.embedded.server import EmbeddedServer


class Shell(EmbeddedServer[None]):
    """A shell that is ready when it says so; its scripts are those of its starts, the last one for all others."""

    product = "Shell"
    log_name = "shell.log"
    port_count = 2
    stop_seconds = 5.0

    def __init__(self, directory: Path, *scripts: str) -> None:
        super().__init__(directory)
        self._scripts = [*scripts]
        self.tried: list[list[int]] = []

    async def _prepare(self) -> None:
        self._data_dir.mkdir(exist_ok=True)

    async def _launch(self, prepared: None) -> None:  # noqa: ARG002
        script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
        self.tried.append(self._ports)
        self.log.unlink(missing_ok=True)
        self._process = ChildProcess(
            Program(name="shell", arguments=("sh", "-c", script), log=self.log)
        )
        await self._process.start()
        await self._process.wait_until(self._says_ready, 5.0)

    async def _says_ready(self) -> bool:
        return "ready" in self.log.read_text()


READY = "trap 'exit 0' TERM; echo ready; while :; do sleep 0.05; done"
FAILS = "echo the port is taken >&2; exit 3"


async def test_a_failed_start_is_tried_again_on_other_ports(tmp_path):
    async with Shell(tmp_path, FAILS, READY) as server:
        first, second = server.tried
        assert first != second
        assert len(second) == Shell.port_count


async def test_later_starts_use_the_ports_of_the_first_one(tmp_path):
    server = Shell(tmp_path, READY)
    async with server:
        pass
    async with server:
        first, second = server.tried
        assert first == second


async def test_the_last_failure_is_explained_by_the_log(tmp_path):
    server = Shell(tmp_path, FAILS)
    with pytest.raises(ProcessFailedError, match=r"shell ended with code 3: the port is taken"):
        await server.start()
    assert len(server.tried) == Shell.attempts


async def test_a_server_that_failed_leaves_its_directory_to_another_one(tmp_path):
    with pytest.raises(ProcessFailedError):
        await Shell(tmp_path, FAILS).start()
    async with Shell(tmp_path, READY):
        pass


async def test_two_servers_do_not_share_a_directory(tmp_path):
    async with Shell(tmp_path, READY) as server:
        with pytest.raises(ProcessFailedError, match="is in use by another Warren"):
            await Shell(tmp_path, READY).start()
        assert server.pid


async def test_a_server_that_hangs_is_ended(tmp_path):
    class Mute(Shell):
        attempts = 1

        async def _launch(self, prepared: None) -> None:  # noqa: ARG002
            self._process = ChildProcess(Program(name="mute", arguments=("sleep", "60")))
            await self._process.start()
            await self._process.wait_until(self._never, 0.2)

        async def _never(self) -> bool:
            return False

    with pytest.raises(ProcessFailedError, match=f"mute ended with code -{signal.SIGTERM}"):
        await Mute(tmp_path, "").start()


async def test_the_end_of_a_server_has_its_exit_code(tmp_path):
    async with Shell(tmp_path, READY) as server:
        await server.kill()
        assert await server.wait() == -1
        with pytest.raises(ProcessFailedError, match="Shell is not running"):
            _ = server.pid
        await server.start()
        assert server.pid
