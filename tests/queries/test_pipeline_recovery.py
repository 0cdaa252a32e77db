"""What a migration, a reset session, a killed backend or a killed server does to callers: as little as possible."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from uuid import UUID, uuid4

import pytest

from erp_core.kernel.queries.pipeline import Call, DatabaseUnavailable, encode, statement
from erp_core.kernel.queries.pool import Pool

pytestmark = pytest.mark.anyio

TENANT = UUID("0190a000-0000-7000-8000-00000000000a")
BACKEND = Call(statement("SELECT pg_backend_pid()"), [])
INSERT = statement("INSERT INTO items (tenant_id, id, name) VALUES ($1, $2, $3)")
NAMES = Call(statement("SELECT name FROM items ORDER BY name"), [])
SLEEP = Call(statement("SELECT pg_sleep(10)::text"), [])


def insert(name: str) -> Call:
    return Call(INSERT, [encode(TENANT), encode(uuid4()), encode(name)])


async def backend_of(pool: Pool) -> int:
    return int((await pool.run(None, [BACKEND], read_only=True))[0].value() or 0)


def terminate(database, backend: int) -> None:
    assert database.execute(f"SELECT pg_terminate_backend({backend}, 5000)") == [(True,)]


async def discard_all(pool: Pool) -> None:
    """Reset the only session of a pool as a pooler between it and the server would."""
    (connection,) = pool._connections
    loop = asyncio.get_running_loop()
    pgconn = connection._pgconn
    loop.remove_reader(connection._socket)
    pgconn.exit_pipeline_mode()
    pgconn.exec_(b"DISCARD ALL")
    pgconn.enter_pipeline_mode()
    loop.add_reader(connection._socket, connection._on_readable)


async def test_a_changed_result_type_goes_unnoticed(open_pool, database):
    pool = await open_pool(size=1)
    database.execute("CREATE TABLE prices (price integer)")
    database.execute("INSERT INTO prices VALUES (7)")
    database.execute("GRANT SELECT, INSERT ON prices TO public")
    read, add = Call(statement("SELECT * FROM prices"), []), Call(statement("INSERT INTO prices VALUES (8)"), [])
    try:
        before = await pool.run(None, [read])
        database.execute("ALTER TABLE prices ALTER price TYPE numeric(10, 2)")

        after = await pool.run(None, [add, read, BACKEND])
        again = await pool.run(None, [read, BACKEND])
    finally:
        database.execute("DROP TABLE prices")

    assert before[0].rows() == [(b"7",)]
    assert after[1].rows() == [(b"7.00",), (b"8.00",)]
    assert again[0].rows() == after[1].rows()
    assert again[1].value() == after[2].value()


async def test_a_discarded_session_goes_unnoticed(open_pool):
    pool = await open_pool(size=1)
    timeout = Call(statement("SELECT current_setting('statement_timeout')"), [])
    await pool.run(TENANT, [insert("before"), NAMES])

    await discard_all(pool)
    answers = await pool.run(TENANT, [insert("after"), NAMES, timeout])

    assert answers[1].rows() == [(b"after",), (b"before",)]
    assert answers[2].value() == b"15s"
    assert pool.stats.open == 1


async def test_a_name_that_is_already_taken_goes_unnoticed(open_pool):
    pool = await open_pool(size=1)
    await pool.run(TENANT, [insert("before"), NAMES])
    (connection,) = pool._connections
    connection._prepared.clear()

    answers = await pool.run(TENANT, [insert("after"), NAMES, NAMES])

    assert answers[1].rows() == answers[2].rows() == [(b"after",), (b"before",)]


async def test_an_idle_connection_that_was_killed_is_replaced_before_anyone_uses_it(open_pool, database):
    pool = await open_pool(size=1)
    killed = await backend_of(pool)

    await asyncio.to_thread(terminate, database, killed)
    await asyncio.sleep(0.01)
    await pool.run(TENANT, [insert("a")])

    assert await backend_of(pool) != killed


async def test_a_read_on_a_connection_killed_unseen_is_sent_again(open_pool, database):
    pool = await open_pool(size=1)
    killed = await backend_of(pool)

    # Without a turn of the event loop in between nobody can have noticed.
    terminate(database, killed)
    replaced = await backend_of(pool)

    assert replaced != killed


async def test_a_write_whose_server_was_lost_says_that_its_outcome_is_unknown(open_pool, database):
    pool = await open_pool(size=1)
    killed = await backend_of(pool)
    running = asyncio.create_task(pool.run(TENANT, [insert("lost"), SLEEP]))
    await asyncio.sleep(0.1)

    await asyncio.to_thread(terminate, database, killed)
    with pytest.raises(DatabaseUnavailable, match="terminating connection") as lost:
        await running

    assert lost.value.outcome_unknown
    assert (await pool.run(TENANT, [NAMES]))[0].count == 0
    assert pool.stats.open == 1


async def test_a_read_killed_in_the_middle_is_sent_again_once_only(open_pool, database):
    pool = await open_pool(size=1, application_name="killed twice")
    sleeping = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND application_name = 'killed twice'"
    running = asyncio.create_task(pool.run(None, [SLEEP], read_only=True))

    for _ in range(2):
        while not (found := database.execute(sleeping)):
            await asyncio.sleep(0.02)
        await asyncio.to_thread(terminate, database, found[0][0])
    with pytest.raises(DatabaseUnavailable) as lost:
        await running

    assert not lost.value.outcome_unknown
    assert await backend_of(pool) > 0


async def test_a_server_killed_under_load_is_back_within_five_seconds(private_server):
    pool = Pool(private_server.url, size=3, wait_timeout=1.0)
    await pool.open()
    stop = asyncio.Event()
    outcomes: list[str] = []

    async def caller(number: int) -> None:
        while not stop.is_set():
            try:
                answers = await pool.run(None, [Call(statement("SELECT $1::int"), [encode(number)])], read_only=True)
                outcomes.append("right" if answers[0].value() == encode(number) else "wrong")
            except DatabaseUnavailable:
                outcomes.append("unavailable")
                await asyncio.sleep(0.02)

    callers = [asyncio.create_task(caller(number)) for number in range(12)]
    await asyncio.sleep(0.3)
    private_server.kill()
    await asyncio.sleep(1.5)
    answered_while_down = await pool.ping()
    await asyncio.to_thread(private_server.start)
    back = time.monotonic()
    while pool.stats.open < 3 and time.monotonic() - back < 10:
        await asyncio.sleep(0.01)
    healed = time.monotonic() - back
    served = outcomes.count("right")
    await asyncio.sleep(0.3)
    stop.set()
    await asyncio.gather(*callers)
    await pool.close()

    assert not answered_while_down
    assert healed < 5
    assert outcomes.count("right") > served
    assert "unavailable" in outcomes
    assert "wrong" not in outcomes


async def test_a_server_that_falls_silent_is_given_up(private_server):
    pool = Pool(private_server.url, size=1, statement_timeout_ms=100)
    await pool.open()
    silent = await backend_of(pool)
    started = time.monotonic()

    os.kill(silent, signal.SIGSTOP)
    try:
        with pytest.raises(DatabaseUnavailable, match="was silent") as lost:
            await pool.run(None, [BACKEND])
    finally:
        os.kill(silent, signal.SIGCONT)

    assert lost.value.outcome_unknown
    assert time.monotonic() - started < 9
    assert await backend_of(pool) != silent
    await pool.close()


async def test_a_database_that_is_not_there_is_reported_when_opening():
    pool = Pool("postgresql://postgres@127.0.0.1:1/postgres", size=2)

    with pytest.raises(DatabaseUnavailable, match="cannot be reached"):
        await pool.open()

    assert pool.stats.open == 0
    assert not await pool.ping()
