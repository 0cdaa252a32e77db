"""The same plans, run inside the open transaction of a command."""

from __future__ import annotations

import psycopg
from psycopg import RawCursor
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from erp_core.kernel.context import Context
from erp_core.kernel.queries.pipeline import Call
from erp_core.kernel.queries.pipeline_errors import DatabaseError
from erp_core.kernel.queries.plan import Plan
from erp_core.kernel.queries.translate import refusal_for

# A serialization failure and a deadlock.
REPEATABLE = frozenset({"40001", "40P01"})


def execute_plan(ctx: Context, plan: Plan) -> bytes | None:
    """Run a plan's statements in the context's transaction; gives the answer's JSON text, or ``None`` without a row."""
    ctx.session.flush()
    try:
        rows = [run_call(ctx.session, call) for call in plan.calls]
    except psycopg.Error as error:
        found = database_error(error)
        if found.sqlstate in REPEATABLE:
            raise  # the unit of work runs the whole command again
        problem = (plan.refuse(found) if plan.refuse is not None else None) or refusal_for(found)
        if problem is None:
            raise
        raise problem from error
    answer = rows[plan.answer]
    return answer[0][0] if answer else None


def run_call(session: Session, call: Call) -> list[tuple[bytes | None, ...]]:
    """Run one statement on the session's own connection and give its rows as the server wrote them."""
    driver = session.connection().connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        message = "Plans run on psycopg connections."
        raise TypeError(message)
    with RawCursor(driver) as cursor:
        # Values are already text; sent as unknown, the server reads them as the type that the statement names.
        cursor.execute(call.statement.sql, [None if value is None else value.decode() for value in call.params])
        result = cursor.pgresult
        if result is None or cursor.description is None:
            return []
        columns = range(result.nfields)
        return [tuple(result.get_value(row, column) for column in columns) for row in range(result.ntuples)]


def database_error(error: BaseException) -> DatabaseError:
    """Give a driver's error the form that the translation reads."""
    original = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    if not isinstance(original, psycopg.Error):
        return DatabaseError("XX000", str(original))
    if original.sqlstate is None and isinstance(original, psycopg.DataError):
        # The driver itself refused a value, such as a text with the character U+0000.
        return DatabaseError("22021", str(original))
    diag = original.diag
    return DatabaseError(
        original.sqlstate or "08006",
        diag.message_primary or str(original),
        constraint=diag.constraint_name,
        table=diag.table_name,
        schema=diag.schema_name,
        detail=diag.message_detail,
        hint=diag.message_hint,
    )
