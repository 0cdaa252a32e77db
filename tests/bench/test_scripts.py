"""The statements of a request as pgbench reads them."""

from __future__ import annotations

from uuid import UUID

from bench.pgbench import numbered_id, write_script
from erp_core.kernel.queries.pipeline import Call, encode, statement

TENANT, FIXED, NEW = UUID(int=1), UUID(int=2), UUID("01a20343-7615-73ce-8b07-569061e28eef")


def script(call: Call, types: list[str], **options):
    known = frozenset({str(TENANT), str(FIXED)})
    return write_script(TENANT, [call], [types], fixed=known, **{"read_only": False, "varied": {}, **options})


def test_constants_are_variables_with_the_type_that_the_server_resolved():
    call = Call(statement("SELECT $1, $2, $1"), [encode(FIXED), encode("text: with 'signs'")])

    written = script(call, ["uuid", "text"])

    assert "SELECT :p0::uuid, :p1::text, :p0::uuid;" in written.lines
    assert written.settings == {"p0": str(FIXED), "p1": "text: with 'signs'"}


def test_null_is_a_variable_that_nobody_sets():
    written = script(Call(statement("SELECT $1"), [None]), ["text"])

    assert "SELECT :absent::text;" in written.lines
    assert "absent" not in written.settings


def test_an_id_that_a_request_makes_anew_is_the_same_everywhere_in_its_transaction():
    call = Call(statement("SELECT $1, $2, $3"), [encode(NEW), f"{{{NEW}}}".encode(), encode(FIXED)])

    written = script(call, ["uuid", "uuid[]", "uuid"])

    assert "SELECT lpad(:id0, 32, '0')::uuid, ARRAY[lpad(:id0, 32, '0')::uuid], :p0::uuid;" in written.lines
    assert written.text(pipeline=False).count("\\set id0 :start + :client_id * ") == 1


def test_values_that_differ_get_the_sql_that_they_are_given():
    call = Call(statement("SELECT $1, $2"), [b"CODE", encode(numbered_id(7))])

    written = script(
        call, ["text", "uuid"], varied={"CODE": "'B-' || {fresh}", str(numbered_id(7)): "lpad(:n, 32, '0')"}
    )

    assert "SELECT ('B-' || :id0)::text, (lpad(:n, 32, '0'))::uuid;" in written.lines


def test_a_transaction_stands_in_the_order_in_which_the_application_sends_it():
    written = script(Call(statement("SELECT 1"), []), [], read_only=True, variables=["\\set n random(1, 9)"])

    plain, piped = written.text(pipeline=False).splitlines(), written.text(pipeline=True).splitlines()
    transaction = ["BEGIN READ ONLY;", f"SET LOCAL app.current_tenant = '{TENANT}';", "SELECT 1;", "COMMIT;"]

    assert plain == ["\\set k :k + 1", "\\set n random(1, 9)", *transaction]
    assert piped == [*plain[:2], "\\startpipeline", *transaction, "\\endpipeline"]


def test_a_numbered_id_is_what_pgbench_makes_of_the_same_number():
    assert str(numbered_id(123)) == "00000000-0000-0000-0000-000000000123"
