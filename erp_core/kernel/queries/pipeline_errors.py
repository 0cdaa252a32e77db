"""The two ways a batch of statements can fail: the database refused it, or the database was not there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from psycopg.pq import DiagnosticField

if TYPE_CHECKING:
    from psycopg.pq.abc import PGresult

RETRIED_STATES: Final = frozenset({"40001", "40P01"})
"""Serialization failure and deadlock: the same batch may well pass when it is sent again."""

STALE_STATES: Final = frozenset({"26000", "42P05", "0A000"})
"""A prepared statement is gone, already there, or its result type changed since it was prepared."""

_FATAL: Final = frozenset({"FATAL", "PANIC"})


class DatabaseError(Exception):
    """The database refused a batch and rolled all of it back.

    `call_index` is the position of the refused call, or None when BEGIN, SET LOCAL or COMMIT failed
    (a deferred constraint fails at COMMIT). The other fields are PostgreSQL's own, None where it gave none.
    """

    def __init__(
        self,
        sqlstate: str,
        message: str,
        *,
        constraint: str | None = None,
        table: str | None = None,
        schema: str | None = None,
        detail: str | None = None,
        hint: str | None = None,
        call_index: int | None = None,
        fatal: bool = False,
    ) -> None:
        super().__init__(f"{message} (SQLSTATE {sqlstate})")
        self.sqlstate = sqlstate
        self.message = message
        self.constraint = constraint
        self.table = table
        self.schema = schema
        self.detail = detail
        self.hint = hint
        self.call_index = call_index
        self.fatal = fatal


class DatabaseUnavailable(Exception):
    """No connection could be had in time, or the server was lost while it held the batch.

    `outcome_unknown` is True when the batch may have been committed although no answer came: repeat it only
    under the same idempotency key. `lost` tells a lost server from a queue that was too long.
    """

    def __init__(self, message: str, *, outcome_unknown: bool = False, lost: bool = False) -> None:
        super().__init__(message)
        self.outcome_unknown = outcome_unknown
        self.lost = lost


def error_from_result(result: PGresult, call_index: int | None) -> DatabaseError:
    """Turn PostgreSQL's error fields into an exception; errors made by libpq itself have the state 08006."""

    def field(code: DiagnosticField) -> str | None:
        value = result.error_field(code)
        return None if value is None else value.decode("utf-8", "replace")

    return DatabaseError(
        field(DiagnosticField.SQLSTATE) or "08006",
        field(DiagnosticField.MESSAGE_PRIMARY) or result.error_message.decode("utf-8", "replace").strip(),
        constraint=field(DiagnosticField.CONSTRAINT_NAME),
        table=field(DiagnosticField.TABLE_NAME),
        schema=field(DiagnosticField.SCHEMA_NAME),
        detail=field(DiagnosticField.MESSAGE_DETAIL),
        hint=field(DiagnosticField.MESSAGE_HINT),
        call_index=call_index,
        fatal=(field(DiagnosticField.SEVERITY_NONLOCALIZED) or "FATAL") in _FATAL,
    )
