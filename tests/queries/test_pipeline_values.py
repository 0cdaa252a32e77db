"""Every kind of value reaches the server as itself, and nothing in a value is ever SQL."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import IntEnum, StrEnum
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from erp_core.kernel.queries.pipeline import Call, DatabaseError, encode, encode_array, statement

pytestmark = pytest.mark.anyio


class State(StrEnum):
    draft = "draft"


class Priority(IntEnum):
    high = 3


class Colour(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "a misleading name"


@pytest.mark.parametrize(
    ("value", "type_name", "answer"),
    [
        ("", "text", b""),
        ("ñandú '; DROP TABLE items; --", "text", "ñandú '; DROP TABLE items; --".encode()),
        (State.draft, "text", b"draft"),
        (Colour("red"), "text", b"red"),
        (-(2**62), "bigint", b"-4611686018427387904"),
        (Priority.high, "int", b"3"),
        (True, "bool", b"t"),
        (False, "bool", b"f"),
        (Decimal("-1234567.890000"), "numeric(18,6)", b"-1234567.890000"),
        (Decimal("1E+3"), "numeric", b"1000"),
        (1.5, "float8", b"1.5"),
        (float("-inf"), "float8", b"-Infinity"),
        (UUID("0190a000-0000-7000-8000-00000000000a"), "uuid", b"0190a000-0000-7000-8000-00000000000a"),
        (datetime(2024, 2, 29, 12, 0, 0, 123456, tzinfo=UTC), "timestamptz", b"2024-02-29 12:00:00.123456+00"),
        (datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=-6))), "timestamptz", b"2024-01-01 06:00:00+00"),
        (date(1999, 12, 31), "date", b"1999-12-31"),
        (time(23, 59, 1), "time", b"23:59:01"),
        (b"\x00\xff'\\", "bytea", b"\\x00ff275c"),
        (None, "text", None),
        ([1, "dos", None], "jsonb", b'[1, "dos", null]'),
        ({"precio": Decimal("1.10"), "ñ": "\x00"}, "json", b'{"precio":"1.10","\xc3\xb1":"\\u0000"}'),
    ],
)
async def test_a_value_of_each_type_comes_back_as_itself(open_pool, value, type_name, answer):
    pool = await open_pool()
    echo = statement(f"SELECT $1::{type_name}")

    rows = await pool.run(None, [Call(echo, [encode(value)])], read_only=True)

    assert rows[0].value() == answer


async def test_an_array_keeps_quotes_backslashes_commas_and_nulls(open_pool):
    pool = await open_pool()
    echo = statement("SELECT to_json($1::text[])")
    values = ['a"b', "c\\d", "e,f", "{g}", "", "NULL", None, "ñ"]

    rows = await pool.run(None, [Call(echo, [encode_array(values)])], read_only=True)

    assert json.loads(rows[0].value()) == values


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_any_text_without_a_zero_is_encoded_as_its_utf8(text):
    assert encode(text) == text.encode()


@pytest.mark.parametrize("value", ["a\0b", datetime(2024, 1, 1, tzinfo=UTC).replace(tzinfo=None)])
def test_a_value_that_would_change_its_meaning_is_refused(value):
    with pytest.raises(ValueError, match=r"U\+0000|time zone"):
        encode(value)


def test_a_type_without_an_encoding_is_refused_by_name():
    with pytest.raises(TypeError, match="no PostgreSQL encoding for object"):
        encode(object())


@pytest.mark.parametrize(
    ("sql", "count"),
    [
        ("SELECT 1", 0),
        ("SELECT $2, $1, $2", 2),
        ("SELECT '$9', \"$8\", $1 -- $7\n/* $6 */", 1),
        ("SELECT $body$ $5 $$ $body$, $$ $4 $$, e'it\\'s $3', a$2, $1", 1),
        ("SELECT $12", 12),
    ],
)
def test_parameters_are_counted_outside_literals_and_comments(sql, count):
    assert statement(sql).param_count == count


def test_the_name_follows_from_the_text_alone():
    first, again, other = statement("SELECT 1"), statement("SELECT 1"), statement("SELECT 2")

    assert first.name == again.name
    assert first.name != other.name
    assert len(first.name) < 63


@pytest.mark.parametrize("prepare", [True, False])
async def test_stacked_statements_are_refused_as_text_and_harmless_as_a_value(open_pool, database, prepare):
    pool = await open_pool(prepare=prepare)
    attack = "SELECT 1; DROP TABLE items"

    with pytest.raises(DatabaseError) as refused:
        await pool.run(None, [Call(statement(attack), [])])
    echoed = await pool.run(None, [Call(statement("SELECT $1::text"), [encode(attack)])])

    assert refused.value.sqlstate == "42601"
    assert echoed[0].value() == attack.encode()
    assert database.execute("SELECT count(*) FROM items") == [(0,)]


async def test_a_tenant_that_is_no_uuid_is_refused_before_anything_is_sent(open_pool):
    pool = await open_pool()

    class Forged:
        int = 7

        def __str__(self) -> str:
            return "'; DROP TABLE items; --"

    with pytest.raises(TypeError, match="a tenant is a UUID"):
        await pool.run(Forged(), [])


async def test_rows_tell_counts_values_and_nulls(open_pool):
    pool = await open_pool()
    pairs = statement("SELECT n, CASE WHEN n > 1 THEN 'x' END FROM generate_series(1, 2) AS n")
    nothing = statement("SELECT 1 WHERE false")

    found, empty = await pool.run(None, [Call(pairs, []), Call(nothing, [])])

    assert found.rows() == [(b"1", None), (b"2", b"x")]
    assert (found.count, found.command_count) == (2, 2)
    assert (empty.count, empty.value(), empty.rows()) == (0, None, [])
