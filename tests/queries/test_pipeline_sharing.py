"""Connections are shared fairly, and whoever goes away leaves nothing behind on them."""

from __future__ import annotations

import asyncio
import time
from uuid import UUID

import pytest

from erp_core.kernel.queries.pipeline import Call, DatabaseError, DatabaseUnavailable, encode, statement

pytestmark = pytest.mark.anyio

ECHO = statement("SELECT $1::int")
SLEEP = statement("SELECT pg_sleep($1)::text")
SLOW_ECHO = statement("SELECT $1::int FROM pg_sleep($2)")


async def ask(pool, number: int) -> int:
    answers = await pool.run(None, [Call(ECHO, [encode(number)]), Call(ECHO, [encode(-number)])], read_only=True)
    assert int(answers[1].value()) == -number
    return int(answers[0].value())


async def test_two_hundred_callers_on_four_connections_each_get_their_own_answer(open_pool):
    pool = await open_pool(size=4)

    answers = await asyncio.gather(*(ask(pool, number) for number in range(200)))

    assert answers == list(range(200))
    assert (pool.stats.open, pool.stats.idle, pool.stats.waiting) == (4, 4, 0)


async def test_who_waits_longest_is_served_first(open_pool):
    pool = await open_pool(size=1)
    served: list[int] = []

    async def caller(number: int) -> None:
        await pool.run(None, [Call(ECHO, [encode(number)])])
        served.append(number)

    first = asyncio.create_task(pool.run(None, [Call(SLEEP, [b"0.1"])]))
    await asyncio.sleep(0.02)
    waiting = [asyncio.create_task(caller(number)) for number in range(20)]
    await asyncio.sleep(0.02)
    counted = pool.stats.waiting
    await asyncio.gather(first, *waiting)

    assert counted == 20
    assert served == list(range(20))


@pytest.mark.parametrize("delay", [0.0, 0.02, 0.3])
async def test_a_cancelled_caller_leaves_a_clean_connection(open_pool, delay):
    pool = await open_pool(size=1)
    backend = Call(statement("SELECT pg_backend_pid()"), [])
    before = (await pool.run(None, [backend]))[0].value()
    started = time.monotonic()

    running = asyncio.create_task(pool.run(None, [Call(ECHO, [b"666"]), Call(SLEEP, [b"30"])]))
    await asyncio.sleep(delay)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    answers = [await ask(pool, number) for number in range(200)]

    assert answers == list(range(200))
    assert time.monotonic() - started < 5
    assert (await pool.run(None, [backend]))[0].value() == before


async def test_a_short_batch_whose_caller_left_still_commits(open_pool, database):
    pool = await open_pool(size=1)
    insert = statement(
        "INSERT INTO items (tenant_id, id, name) SELECT $1, gen_random_uuid(), 'left' FROM pg_sleep(0.05)"
    )
    tenant = UUID("0190a000-0000-7000-8000-00000000000a")

    running = asyncio.create_task(pool.run(tenant, [Call(insert, [encode(tenant)])]))
    await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await ask(pool, 1)

    assert database.execute("SELECT name FROM items") == [("left",)]


async def test_storms_of_cancellations_never_mix_answers(open_pool):
    pool = await open_pool(size=2)
    right: list[bool] = []

    async def caller(number: int) -> None:
        answers = await pool.run(None, [Call(SLOW_ECHO, [encode(number), encode(0.002 * (number % 4))])])
        right.append(int(answers[0].value()) == number)

    for wave in range(10):
        tasks = [asyncio.create_task(caller(wave * 100 + number)) for number in range(30)]
        await asyncio.sleep(0.003 * wave)
        for task in tasks[::2]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    answers = [await ask(pool, number) for number in range(200)]

    assert answers == list(range(200))
    assert len(right) >= 150
    assert all(right)
    assert (pool.stats.open, pool.stats.idle) == (2, 2)


async def test_cancelling_long_batches_at_the_moment_they_are_stopped_hits_nobody_else(open_pool):
    pool = await open_pool(size=1)

    # The server is asked to stop a batch 0.2 s after its caller left: these end just around that moment.
    for seconds in (0.19, 0.2, 0.201, 0.202, 0.205, 0.21):
        running = asyncio.create_task(pool.run(None, [Call(SLEEP, [encode(seconds)])]))
        await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        answers = [await ask(pool, number) for number in range(20)]
        assert answers == list(range(20))

    assert pool.stats.open == 1


async def test_a_caller_cancelled_in_the_queue_does_not_hold_up_the_others(open_pool):
    pool = await open_pool(size=1)
    first = asyncio.create_task(pool.run(None, [Call(SLEEP, [b"0.1"])]))
    await asyncio.sleep(0.02)
    gone, patient = (asyncio.create_task(ask(pool, number)) for number in (1, 2))
    await asyncio.sleep(0)

    gone.cancel()

    assert await patient == 2
    assert gone.cancelled()
    await first


async def test_waiting_too_long_says_so_and_the_pool_goes_on(open_pool):
    pool = await open_pool(size=1, wait_timeout=0.1)
    first = asyncio.create_task(pool.run(None, [Call(SLEEP, [b"0.4"])]))
    await asyncio.sleep(0)

    with pytest.raises(DatabaseUnavailable, match=r"within 0\.1 s") as refused:
        await ask(pool, 1)
    await first

    assert not refused.value.outcome_unknown
    assert await ask(pool, 2) == 2


async def test_ping_answers_while_all_connections_are_busy(open_pool):
    pool = await open_pool(size=1)
    idle = await pool.ping()
    busy = asyncio.create_task(pool.run(None, [Call(SLEEP, [b"0.5"])]))
    await asyncio.sleep(0)

    answered = await pool.ping()

    assert idle
    assert answered
    assert not busy.done()
    await busy


async def test_closing_lets_running_and_waiting_batches_end(open_pool):
    pool = await open_pool(size=1)
    tasks = [asyncio.create_task(pool.run(None, [Call(SLOW_ECHO, [encode(n), b"0.05"])])) for n in range(4)]
    await asyncio.sleep(0)

    await pool.close()

    assert [int((await task)[0].value()) for task in tasks] == [0, 1, 2, 3]
    assert pool.stats.open == 0
    with pytest.raises(DatabaseUnavailable, match="closed"):
        await ask(pool, 1)


async def test_closing_does_not_wait_for_ever_and_leaves_nothing_running(open_pool, database):
    pool = await open_pool(size=1, application_name="closing")
    running = asyncio.create_task(pool.run(None, [Call(SLEEP, [b"10"])]))
    waiting = asyncio.create_task(ask(pool, 1))
    await asyncio.sleep(0.02)
    started = time.monotonic()

    await pool.close(drain_timeout=0.1)
    stopped, refused = await asyncio.gather(running, waiting, return_exceptions=True)

    assert time.monotonic() - started < 1
    assert isinstance(stopped, DatabaseError)
    assert stopped.sqlstate == "57014"
    assert isinstance(refused, DatabaseUnavailable)
    assert not refused.outcome_unknown
    still = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'closing' AND state = 'active'"
    assert database.execute(still) == []
