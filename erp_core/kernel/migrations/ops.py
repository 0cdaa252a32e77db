"""What revisions are written with, beside Alembic's own operations."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from erp_core.kernel.database.policies import checked_name, protection, quoted

OWNER = "erp_owner"
APPLICATION = "erp_app"


def text_c() -> sa.Text:
    """Give the type of every text column: compared in the C collation, which is leakproof."""
    return sa.Text(collation="C")


def tenant_columns() -> list[sa.Column[Any]]:
    """Give the two columns that start every tenant table; they are its primary key."""
    return [sa.Column("tenant_id", sa.Uuid(), nullable=False), sa.Column("id", sa.Uuid(), nullable=False)]


def mutable_columns() -> list[sa.Column[Any]]:
    """Give the tenant columns and those that every row has that users change (``MutableRow``)."""
    moment = sa.DateTime(timezone=True)
    return [
        *tenant_columns(),
        sa.Column("version", sa.BigInteger(), nullable=False, server_default=sa.text("1")),
        sa.Column("created_at", moment, nullable=False, server_default=sa.text("now()")),
        sa.Column("created_by", sa.Uuid()),
        sa.Column("updated_at", moment, nullable=False, server_default=sa.text("now()")),
        sa.Column("updated_by", sa.Uuid()),
        sa.Column("archived_at", moment),
    ]


def create_schema(name: str) -> None:
    """Make a schema of the package if it is not there, and let the application's roles look into it."""
    op.execute(f"CREATE SCHEMA IF NOT EXISTS {checked_name(name)} AUTHORIZATION {OWNER}")
    op.execute(f"GRANT USAGE ON SCHEMA {checked_name(name)} TO {', '.join(_readers())}")


def protect(table: str, *, append_only: bool = False) -> None:
    """Keep the rows of ``schema.table`` apart by tenant and let the application use it.

    ``append_only`` leaves the application SELECT and INSERT; corrections are new rows.
    """
    op.execute(f"ALTER TABLE {quoted(table)} OWNER TO {OWNER}")
    for statement in protection(table):
        op.execute(statement)
    _grant(table, "SELECT, INSERT" if append_only else "SELECT, INSERT, UPDATE, DELETE")


def open_table(table: str, *, app: str = "SELECT") -> None:
    """Let the application use a global table, one of those on the gate's list, with the privileges in ``app``."""
    allowed = {"SELECT", "INSERT", "UPDATE", "DELETE"}
    privileges = [word.strip().upper() for word in app.split(",") if word.strip()]
    if not allowed.issuperset(privileges):
        msg = f"The application may be given {', '.join(sorted(allowed))}; {app!r} asks for more."
        raise ValueError(msg)
    op.execute(f"ALTER TABLE {quoted(table)} OWNER TO {OWNER}")
    if privileges:
        _grant(table, ", ".join(privileges))


def create_index_concurrently(name: str, table: str, columns: str, *, unique: bool = False) -> None:
    """Build an index without stopping writes; only in a revision that says ``transactional = False``.

    ``columns`` is the text between the parentheses. A half-built index of an earlier attempt was dropped by the runner.
    """
    kind = "UNIQUE INDEX" if unique else "INDEX"
    op.execute(f"CREATE {kind} CONCURRENTLY IF NOT EXISTS {checked_name(name)} ON {quoted(table)} ({columns})")


def in_every_tenant(statement: str) -> int:
    """Run one data statement for each tenant in turn and give the number of rows it touched in all.

    Row-level security binds the owner too, so a statement without a tenant would touch nothing. The caller asserts the
    number.
    """
    connection = op.get_bind()
    touched = 0
    for (tenant,) in connection.execute(sa.text("SELECT id FROM auth.tenants ORDER BY id")).all():
        connection.execute(sa.text(f"SET LOCAL app.current_tenant = '{tenant}'"))
        touched += connection.execute(sa.text(statement)).rowcount
    connection.execute(sa.text("SET LOCAL app.current_tenant = ''"))
    return touched


def _grant(table: str, privileges: str) -> None:
    op.execute(f"GRANT {privileges} ON {quoted(table)} TO {', '.join(_readers())}")


def _readers() -> list[str]:
    """Name the application's role and the package's own, which the runner has made before the first revision."""
    own = op.get_context().opts.get("component_role")
    return [APPLICATION, checked_name(own)] if own else [APPLICATION]
