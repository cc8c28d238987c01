import asyncio

from shared.runtime.tasks import cancel_and_wait


async def test_a_task_that_loses_a_cancellation_is_cancelled_again():
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
        await cancel_and_wait(ended, again_seconds=0.01)
    assert ended[0].cancelled()
    assert len(lost) == 2


async def test_nothing_to_end_takes_no_time():
    await cancel_and_wait([])
