import signal
import sys
import time

import pytest

from deploy.local.embedded.process import ChildProcess, ProcessFailedError, Program, free_ports

DEAF = "trap '' TERM; echo ready; while :; do sleep 0.1; done"


def shell(script, tmp_path, **options):
    return ChildProcess(
        Program(name="child", arguments=("sh", "-c", script), log=tmp_path / "log", **options)
    )


async def ready(tmp_path):
    deadline = time.monotonic() + 10
    while "ready" not in (tmp_path / "log").read_text() and time.monotonic() < deadline:
        time.sleep(0.01)


@pytest.fixture(params=[signal.default_int_handler, signal.SIG_IGN])
def interrupts(request):
    """Run as from a terminal, or as a script's background job, which ignores SIGINT."""
    before = signal.signal(signal.SIGINT, request.param)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interrupts")
async def test_the_stop_signal_lets_a_child_clean_up(tmp_path):
    script = "trap 'echo cleaned; exit 0' INT; echo ready; while :; do sleep 0.05; done"
    child = shell(script, tmp_path, stop_signal=signal.SIGINT)
    await child.start()
    await ready(tmp_path)
    await child.stop()
    assert await child.wait() == 0
    assert "cleaned" in (tmp_path / "log").read_text()


async def test_a_child_that_ignores_the_stop_signal_is_killed(tmp_path):
    child = shell(DEAF, tmp_path)
    await child.start()
    await ready(tmp_path)
    await child.stop(grace=0.2)
    assert await child.wait() == -signal.SIGKILL


async def test_stopping_twice_or_before_the_start_is_harmless(tmp_path):
    child = shell("sleep 60", tmp_path)
    await child.stop()
    await child.start()
    await child.stop()
    await child.stop()
    assert not child.running


async def test_killing_takes_the_grandchildren_along(tmp_path):
    child = shell("sh -c 'sleep 1; echo survived' & echo ready; wait", tmp_path)
    await child.start()
    await ready(tmp_path)
    await child.kill()
    time.sleep(1.5)
    assert "survived" not in (tmp_path / "log").read_text()


async def test_a_missing_program_is_named(tmp_path):
    child = ChildProcess(Program(name="gone", arguments=(str(tmp_path / "nothing"),)))
    with pytest.raises(ProcessFailedError, match="gone cannot be started"):
        await child.start()


async def test_a_failure_quotes_the_end_of_the_log(tmp_path):
    with pytest.raises(ProcessFailedError, match=r"ended with code 3(.|\n)*the reason"):
        await shell("echo the reason >&2; exit 3", tmp_path).run_to_end()


async def test_the_log_is_private(tmp_path):
    await shell("true", tmp_path).run_to_end()
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600


def test_free_ports_are_different():
    assert len(set(free_ports(5))) == 5


def test_the_death_signal_is_known_on_linux():
    from deploy.local.embedded import process

    assert (process._LIBC is not None) == (sys.platform == "linux")
