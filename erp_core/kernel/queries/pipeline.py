"""Statements, calls and rows: what one transaction sends to the database in a single round trip.

The text of a statement is fixed when the process starts; every value is bound by the server.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from erp_core.kernel.queries.pipeline_errors import DatabaseError, DatabaseUnavailable
from erp_core.kernel.queries.pipeline_values import Param, encode, encode_array

if TYPE_CHECKING:
    from psycopg.pq.abc import PGresult

__all__ = [
    "Call",
    "DatabaseError",
    "DatabaseUnavailable",
    "Param",
    "Rows",
    "Statement",
    "encode",
    "encode_array",
    "statement",
]

# Everything in which a dollar sign and a number do not mean a parameter, then the parameter itself.
_TOKEN: Final = re.compile(
    r"""(?:\b[eE]'(?:[^'\\]|\\.|'')*') | '(?:[^']|'')*' | "(?:[^"]|"")*"
      | --[^\n]* | /\*.*?\*/ | \$(?P<tag>(?:[A-Za-z_]\w*)?)\$.*?\$(?P=tag)\$ | (?<![\w$])\$(?P<number>\d+)""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """One SQL statement with parameters $1, $2 … under a name that follows from its text alone."""

    sql: str
    name: bytes
    param_count: int
    text: bytes


def statement(sql: str) -> Statement:
    """Build a statement once, at start-up; the same text always gets the same name."""
    text = sql.encode()
    name = b"q_" + blake2b(text, digest_size=16).hexdigest().encode("ascii")
    numbers = [int(found["number"]) for found in _TOKEN.finditer(sql) if found["number"]]
    return Statement(sql, name, max(numbers, default=0), text)


@dataclass(slots=True)
class Call:
    """A statement with the encoded values of its parameters, in order."""

    statement: Statement
    params: Sequence[Param]


class Rows:
    """What one call answered; values stay in libpq's memory until they are asked for."""

    __slots__ = ("_result",)

    def __init__(self, result: PGresult) -> None:
        self._result = result

    @property
    def count(self) -> int:
        """Rows returned."""
        return self._result.ntuples

    @property
    def command_count(self) -> int:
        """Rows inserted, updated, deleted or selected."""
        return self._result.command_tuples or 0

    def value(self, row: int = 0, col: int = 0) -> bytes | None:
        """Return one value as PostgreSQL's text; None for NULL and for a row that is not there."""
        result = self._result
        return result.get_value(row, col) if row < result.ntuples else None

    def rows(self) -> list[tuple[bytes | None, ...]]:
        """Copy all rows out."""
        get_value = self._result.get_value
        columns = range(self._result.nfields)
        return [tuple(get_value(row, col) for col in columns) for row in range(self._result.ntuples)]
