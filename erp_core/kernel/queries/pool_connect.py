"""Opening one connection with the session settings that every query relies on."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from erp_core.kernel.queries.pipeline_errors import DatabaseUnavailable

_OLDEST_LIBPQ: Final = 170000
_KEEPALIVE: Final[dict[str, str]] = {
    "keepalives": "1",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
    # Looking for Kerberos tickets costs time on every connection; who uses them says so in the address.
    "gssencmode": "disable",
}


def session_conninfo(conninfo: str, *, statement_timeout_ms: int, application_name: str) -> str:
    """Complete an address with our session settings; whatever the address says itself wins.

    They travel as start-up options, so that DISCARD ALL goes back to them. PgBouncer must be told
    `ignore_startup_parameters = options`, and the role must then carry the settings.
    """
    settings = {
        "TimeZone": "UTC",
        "statement_timeout": str(statement_timeout_ms),
        "idle_in_transaction_session_timeout": "15000",
        "default_transaction_isolation": r"read\ committed",
        "standard_conforming_strings": "on",
        "jit": "off",
    }
    given = conninfo_to_dict(conninfo)
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    own = {**_KEEPALIVE, "application_name": application_name, "client_encoding": "UTF8"}
    merged: dict[str, Any] = {**own, **{key: value for key, value in given.items() if value is not None}}
    # The last setting of a name wins, so the address's own options come after ours.
    merged["options"] = f"{options} {given.get('options') or ''}".strip()
    return make_conninfo("", **merged)


async def connect(
    conninfo: str,
    timeout: float,  # noqa: ASYNC109 - libpq has to be told the bound
) -> psycopg.AsyncConnection[Any]:
    """Open a connection within `timeout` seconds or raise DatabaseUnavailable."""
    if pq.version() < _OLDEST_LIBPQ:
        raise DatabaseUnavailable(
            f"libpq {pq.version() // 10000} is too old, 17 is needed: install the extra psycopg[binary]"
        )
    try:
        async with asyncio.timeout(timeout):
            return await psycopg.AsyncConnection.connect(conninfo, autocommit=True)
    except TimeoutError:
        raise DatabaseUnavailable(f"the database did not answer within {timeout:g} s") from None
    except (psycopg.Error, OSError) as error:
        raise DatabaseUnavailable(f"the database cannot be reached: {error}") from None
