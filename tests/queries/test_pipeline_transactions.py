"""One run is one transaction of one tenant: all of it or nothing, and nobody else's rows."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import psycopg
import pytest

from erp_core.kernel.queries.pipeline import Call, DatabaseError, encode, statement

pytestmark = pytest.mark.anyio

TENANT_A = UUID("0190a000-0000-7000-8000-00000000000a")
TENANT_B = UUID("0190a000-0000-7000-8000-00000000000b")

INSERT = statement("INSERT INTO items (tenant_id, id, name, quantity) VALUES ($1, $2, $3, $4)")
NAMES = statement("SELECT name FROM items ORDER BY name")
SETTING = statement("SELECT current_setting('app.current_tenant', true)")
ADD = statement("UPDATE items SET quantity = quantity + $2 WHERE name = $1")
SLEEP = statement("SELECT pg_sleep($1)::text")


def insert(tenant: UUID, name: str, quantity: int = 1) -> Call:
    return Call(INSERT, [encode(tenant), encode(uuid4()), encode(name), encode(quantity)])


async def test_a_tenant_sees_its_own_rows_only_and_nobody_sees_none(open_pool):
    pool = await open_pool(size=1)
    await pool.run(TENANT_A, [insert(TENANT_A, "a1"), insert(TENANT_A, "a2")])
    await pool.run(TENANT_B, [insert(TENANT_B, "b1")])

    of_a = (await pool.run(TENANT_A, [Call(NAMES, [])], read_only=True))[0].rows()
    of_b = (await pool.run(TENANT_B, [Call(NAMES, [])], read_only=True))[0].rows()
    of_none = (await pool.run(None, [Call(NAMES, [])], read_only=True))[0].rows()

    assert of_a == [(b"a1",), (b"a2",)]
    assert of_b == [(b"b1",)]
    assert of_none == []


@pytest.mark.parametrize("tenant", [TENANT_B, None])
async def test_writing_for_another_tenant_is_refused(open_pool, tenant):
    pool = await open_pool()

    with pytest.raises(DatabaseError) as refused:
        await pool.run(tenant, [insert(TENANT_A, "stolen")])

    assert refused.value.sqlstate == "42501"


async def test_the_tenant_ends_with_its_transaction(open_pool):
    pool = await open_pool(size=1)
    during = await pool.run(TENANT_A, [Call(SETTING, [])])

    after = await pool.run(None, [Call(SETTING, [])])

    assert during[0].value() == str(TENANT_A).encode()
    assert after[0].value() in (None, b"")


async def test_a_read_only_run_cannot_write(open_pool):
    pool = await open_pool()

    with pytest.raises(DatabaseError) as refused:
        await pool.run(TENANT_A, [insert(TENANT_A, "a")], read_only=True)

    assert refused.value.sqlstate == "25006"


async def test_an_error_in_the_middle_keeps_nothing_and_the_connection_goes_on(open_pool, database):
    pool = await open_pool(size=1)
    calls = [insert(TENANT_A, "kept?"), insert(TENANT_A, "bad", -1), insert(TENANT_A, "never")]
    backend = Call(statement("SELECT pg_backend_pid()"), [])
    before = (await pool.run(None, [backend]))[0].value()

    for _ in range(3):
        with pytest.raises(DatabaseError) as refused:
            await pool.run(TENANT_A, calls)

    error = refused.value
    assert (error.sqlstate, error.call_index) == ("23514", 1)
    assert (error.constraint, error.table, error.schema) == ("items_quantity_is_not_negative", "items", "public")
    assert "violates check constraint" in error.message
    assert (await pool.run(None, [backend]))[0].value() == before
    assert database.execute("SELECT count(*) FROM items") == [(0,)]


async def test_a_constraint_that_waits_for_the_commit_belongs_to_no_call(open_pool, database):
    pool = await open_pool(size=1)

    with pytest.raises(DatabaseError) as refused:
        await pool.run(TENANT_A, [insert(TENANT_A, "same"), insert(TENANT_A, "same")])

    assert (refused.value.constraint, refused.value.call_index) == ("items_name_is_unique", None)
    assert database.execute("SELECT count(*) FROM items") == [(0,)]
    assert (await pool.run(TENANT_A, [Call(NAMES, [])]))[0].count == 0


async def test_a_statement_that_does_not_parse_names_its_call_and_costs_nothing_else(open_pool):
    pool = await open_pool(size=1)

    with pytest.raises(DatabaseError) as refused:
        await pool.run(TENANT_A, [Call(NAMES, []), Call(statement("SELEC 1"), [])])
    again = await pool.run(TENANT_A, [Call(NAMES, []), Call(NAMES, [])])

    assert (refused.value.sqlstate, refused.value.call_index) == ("42601", 1)
    assert [rows.count for rows in again] == [0, 0]


@pytest.mark.parametrize("params", [[1], [b"1", b"2"], 7])
async def test_wrong_parameters_fail_their_own_run_only(open_pool, params):
    pool = await open_pool(size=1)
    echo = statement("SELECT $1::int")

    with pytest.raises((TypeError, AttributeError, DatabaseError)):
        await pool.run(TENANT_A, [insert(TENANT_A, "a"), Call(echo, params)])
    after = await pool.run(TENANT_A, [Call(NAMES, []), Call(echo, [b"5"])])

    assert [after[0].count, after[1].value()] == [0, b"5"]
    assert pool.stats.open == 1


async def test_deadlocked_runs_both_succeed_in_the_end(open_pool, database):
    pool = await open_pool(size=2)
    await pool.run(TENANT_A, [insert(TENANT_A, "x", 0), insert(TENANT_A, "y", 0)])
    pause = Call(SLEEP, [b"0.3"])
    one, ten = encode(1), encode(10)

    await asyncio.gather(
        pool.run(TENANT_A, [Call(ADD, [b"x", one]), pause, Call(ADD, [b"y", one])]),
        pool.run(TENANT_A, [Call(ADD, [b"y", ten]), pause, Call(ADD, [b"x", ten])]),
    )

    assert database.execute("SELECT name, quantity FROM items ORDER BY name") == [("x", 11), ("y", 11)]
    database_name = psycopg.conninfo.conninfo_to_dict(database.owner_url)["dbname"]
    counted = database.execute(f"SELECT deadlocks > 0 FROM pg_stat_database WHERE datname = '{database_name}'")
    assert counted == [(True,)]


async def test_the_session_is_set_up_as_every_query_expects(open_pool):
    pool = await open_pool(statement_timeout_ms=200, application_name="erp test")
    names = ["TimeZone", "statement_timeout", "jit", "application_name", "client_encoding", "transaction_isolation"]
    show = statement("SELECT current_setting($1)")

    answers = await pool.run(None, [Call(show, [name.encode()]) for name in names])
    with pytest.raises(DatabaseError) as refused:
        await pool.run(None, [Call(SLEEP, [b"5"])])

    assert [rows.value() for rows in answers] == [b"UTC", b"200ms", b"off", b"erp test", b"UTF8", b"read committed"]
    assert refused.value.sqlstate == "57014"


async def test_without_preparing_nothing_is_left_on_the_server(open_pool):
    pool = await open_pool(size=1, prepare=False)
    left = statement("SELECT count(*) FROM pg_prepared_statements")
    await pool.run(TENANT_A, [insert(TENANT_A, "a"), Call(NAMES, [])])

    found, prepared = await pool.run(TENANT_A, [Call(NAMES, []), Call(left, [])])

    assert found.rows() == [(b"a",)]
    assert prepared.value() == b"0"


async def test_prepared_statements_stay_bounded_and_work_after_eviction(open_pool):
    pool = await open_pool(size=1)
    left = statement("SELECT count(*) FROM pg_prepared_statements")
    texts = [statement(f"SELECT {number} + $1::int") for number in range(520)]

    for first in range(0, 520, 40):
        await pool.run(None, [Call(text, [b"1"]) for text in texts[first : first + 40]])
    answers = await pool.run(None, [Call(texts[0], [b"1"]), Call(texts[519], [b"1"]), Call(left, [])])

    assert [rows.value() for rows in answers[:2]] == [b"1", b"520"]
    assert int(answers[2].value()) <= 500


async def test_large_values_travel_both_ways(open_pool):
    pool = await open_pool(size=1)
    echo = statement("SELECT $1::text, length($1::text)")
    grown = statement("SELECT repeat('0123456789', 1048576)")
    five_megabytes = b"ab" * 2_621_440

    sent, received = await pool.run(None, [Call(echo, [five_megabytes]), Call(grown, [])])

    assert sent.rows() == [(five_megabytes, b"5242880")]
    assert len(received.value()) == 10_485_760
    assert (await pool.run(None, [Call(echo, [b"x"])]))[0].value() == b"x"


async def test_many_large_parameters_and_answers_in_one_batch_do_not_block_each_other(open_pool):
    pool = await open_pool(size=1)
    echo = statement("SELECT $1::text")
    megabyte = b"z" * 1_048_576

    answers = await asyncio.wait_for(pool.run(None, [Call(echo, [megabyte])] * 20), 20)

    assert [len(rows.value()) for rows in answers] == [1_048_576] * 20
