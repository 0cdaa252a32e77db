"""What the database says about packages: their schemas, their versions and what half-built indexes there are."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from erp_core.kernel.database.roles import APPLICATION, OWNER
from erp_core.kernel.migrations.scripts import Branch, version_schema
from erp_core.kernel.plugins.manager import CORE

Connection = psycopg.Connection[Any]

# A comment on each schema says whose it is, so that it can be found when the package is gone.
_COMMENT = "erp component {slug}, {position}"


def make_schemas(conn: Connection, branch: Branch, role: str) -> None:
    """Make the schemas of a package that are not there yet, and mark whose they are."""
    roles = sql.SQL(", ").join(sql.Identifier(name) for name in dict.fromkeys([APPLICATION, role]))
    present = {row[0] for row in conn.execute("SELECT nspname FROM pg_namespace").fetchall()}
    for position, schema in enumerate(branch.schemas):
        if schema in present:
            continue
        name = sql.Identifier(schema)
        conn.execute(sql.SQL("CREATE SCHEMA {} AUTHORIZATION {}").format(name, sql.Identifier(OWNER)))
        conn.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(name, roles))
        comment = sql.Literal(_COMMENT.format(slug=branch.slug, position=position))
        conn.execute(sql.SQL("COMMENT ON SCHEMA {} IS {}").format(name, comment))


def schemas_of(conn: Connection, slug: str) -> tuple[str, ...]:
    """Give the schemas that were made for a package, in the order of its manifest."""
    query = """SELECT nspname, obj_description(oid, 'pg_namespace') FROM pg_namespace
               WHERE obj_description(oid, 'pg_namespace') LIKE %s"""
    rows = conn.execute(query, [_COMMENT.format(slug=slug, position="%")]).fetchall()
    return tuple(name for name, _ in sorted(rows, key=lambda row: int(row[1].rpartition(" ")[2])))


def current_revision(conn: Connection, slug: str, schemas: tuple[str, ...]) -> str | None:
    """Read a package's revision from its version table; ``None`` when nothing is applied."""
    if not schemas and slug != CORE:
        return None
    table = sql.Identifier(version_schema(slug, schemas), "alembic_version")
    row = conn.execute("SELECT to_regclass(%s) IS NOT NULL", [table.as_string(conn)]).fetchone()
    if row is None or not row[0]:
        return None
    found = conn.execute(sql.SQL("SELECT version_num FROM {}").format(table)).fetchone()
    return str(found[0]) if found else None


def show_version_table(conn: Connection, schema: str, role: str) -> None:
    """Let the application's roles read the version, which is how a process knows whether it fits the schema."""
    roles = sql.SQL(", ").join(sql.Identifier(name) for name in dict.fromkeys([APPLICATION, role]))
    conn.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(sql.Identifier(schema, "alembic_version"), roles))


def drop_invalid_indexes(conn: Connection, schemas: tuple[str, ...]) -> list[str]:
    """Drop what a crashed CREATE INDEX CONCURRENTLY left behind; such an index costs writes and serves nothing."""
    query = """SELECT n.nspname, c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
               JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOT i.indisvalid AND n.nspname = ANY(%s)"""
    rows = conn.execute(query, [list(schemas)]).fetchall()
    for schema, name in rows:
        conn.execute(sql.SQL("DROP INDEX CONCURRENTLY {}").format(sql.Identifier(schema, name)))
    return [f"{schema}.{name}" for schema, name in rows]


def tables_in(conn: Connection, schemas: tuple[str, ...]) -> list[tuple[str, str]]:
    """List the tables in the schemas, by schema and name, without the version tables."""
    query = """SELECT schemaname, tablename FROM pg_tables
               WHERE schemaname = ANY(%s) AND tablename <> 'alembic_version' ORDER BY 1, 2"""
    return [(schema, name) for schema, name in conn.execute(query, [list(schemas)]).fetchall()]
