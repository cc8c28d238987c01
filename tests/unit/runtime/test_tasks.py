import asyncio

from shared.runtime import tasks


async def test_a_task_that_loses_a_cancellation_is_cancelled_again(monkeypatch):
    monkeypatch.setattr(tasks, "AGAIN_SECONDS", 0.01)
    lost = []

    async def lose_two():
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                if len(lost) == 2:
                    raise
                lost.append(1)

    async def fail():
        raise RuntimeError

    ended = [asyncio.create_task(each()) for each in (lose_two, fail)]
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await tasks.cancel_and_wait(ended)
    assert ended[0].cancelled()
    assert len(lost) == 2


async def test_nothing_to_end_takes_no_time():
    await tasks.cancel_and_wait([])
