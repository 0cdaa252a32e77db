"""What the doctor looks for in the database; each check is one function over an open connection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from erp_core.cli.checks import FAULT, OK, WARNING, Finding, seconds_apart, unix_now

if TYPE_CHECKING:
    import psycopg

    from erp_core.kernel.migrations.status import Status

    Connection = psycopg.Connection[Any]

LARGEST_SKEW: Final = 2.0
LONGEST_TRANSACTION: Final = 60
OLDEST: Final = 160_000


def connect(url: str) -> Connection | Finding:
    """Connect within three seconds, or say why that fails."""
    import psycopg

    from erp_core.cli.failures import DATABASE_REMEDY
    from erp_core.kernel.database.addresses import libpq_address

    try:
        return psycopg.connect(libpq_address(url), connect_timeout=3, autocommit=True, application_name="erp doctor")
    except (psycopg.OperationalError, ValueError) as error:
        return Finding(
            "database", FAULT, f"It cannot be reached: {str(error).strip().splitlines()[0]}", DATABASE_REMEDY
        )


def check_server(connection: Connection) -> Finding:
    """Check that the server is of a supported version."""
    version = connection.info.server_version
    if version < OLDEST:
        return Finding("database", FAULT, f"PostgreSQL {version // 10_000} is too old.", "Use PostgreSQL 16 or newer.")
    place = f"{connection.info.host}:{connection.info.port}"
    return Finding("database", OK, f"PostgreSQL {version // 10_000}.{version % 10_000} at {place}")


def check_role(connection: Connection) -> Finding:
    """Check that the application's role is bound by row-level security."""
    from erp_core.kernel.database.roles import privileged

    why = privileged(connection)
    remedy = "Serve as erp_app: `erp db init` makes it, and DATABASE_URL names it."
    return Finding("role", FAULT, why, remedy) if why is not None else Finding("role", OK, connection.info.user)


def check_isolation(connection: Connection, schemas: Sequence[str]) -> list[Finding]:
    """Check that the rules that keep tenants apart hold for every table, as the catalogue tells."""
    from erp_core.kernel.database.gate import check_catalogue

    faults = check_catalogue(connection, schemas)
    findings = [Finding("isolation", WARNING if f.warning else FAULT, f"{f.table}: {f.what}", f.remedy) for f in faults]
    return findings or [Finding("isolation", OK, f"row-level security holds in {len(schemas)} schemas")]


def check_schema(statuses: list[Status], enabled: set[str]) -> list[Finding]:
    """Check that every enabled package's tables are at the revision that it brings."""
    findings = []
    for one in statuses:
        at = f"{one.slug} is {one.state}: at {one.current or 'nothing'}, brings {one.head or 'nothing'}."
        if one.state == "removed":
            found = f"{one.slug} is not installed but its tables are there."
            findings.append(Finding("schema", WARNING, found, f"Install it, or `erp plugins remove {one.slug}`."))
        elif one.slug not in enabled:
            continue
        elif one.state == "ahead":
            findings.append(Finding("schema", WARNING, at, f"Install the newer release of {one.slug}."))
        elif one.state != "up to date":
            findings.append(Finding("schema", FAULT, at, "Run `erp plugins migrate`."))
    return findings or [Finding("schema", OK, "every package is up to date")]


def check_clock(connection: Connection) -> Finding:
    """Check that this machine's clock and the database's agree.

    Tokens expire by the one, and rows are dated by the other.
    """
    before = unix_now()
    row = connection.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()
    skew = seconds_apart(before, row[0] if row is not None else before, unix_now())
    if abs(skew) > LARGEST_SKEW:
        way = "ahead of" if skew > 0 else "behind"
        return Finding(
            "clock", WARNING, f"The database is {abs(skew):.1f} s {way} this machine.", "Synchronise both with NTP."
        )
    return Finding("clock", OK, f"{abs(skew) * 1000:.0f} ms apart")


def check_transactions(connection: Connection) -> Finding:
    """Check that no transaction stays open for long; it would hold up migrations and the tidying of dead rows."""
    rows = connection.execute(_LONG, [LONGEST_TRANSACTION]).fetchall()
    if rows:
        told = "; ".join(f"pid {pid} ({name or user}) for {seconds} s" for pid, name, user, seconds in rows)
        remedy = "End it with SELECT pg_terminate_backend(pid) as a superuser."
        return Finding("transactions", WARNING, f"Open for long: {told}", remedy)
    return Finding("transactions", OK, f"none is older than {LONGEST_TRANSACTION} s")


# A role without special rights sees of others only that they are there; the doctor uses the strongest role it has.
_LONG: Final = """
SELECT pid, application_name, usename, extract(epoch FROM now() - xact_start)::int
FROM pg_stat_activity
WHERE xact_start < now() - make_interval(secs => %s) AND datname = current_database() AND pid <> pg_backend_pid()
ORDER BY xact_start LIMIT 10
"""
