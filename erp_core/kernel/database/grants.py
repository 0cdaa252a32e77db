"""What a component's own role may touch, as data: its own schemas, the platform's tables and what its manifest uses.

No component is ever given more on a table than ``erp_app`` has there, so a table that is append only stays so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import psycopg
from psycopg import sql

from erp_core.kernel.database.roles import APPLICATION, component_role
from erp_core.kernel.plugins.manifest import Manifest

Connection = psycopg.Connection[Any]
Privileges = dict[str, set[str]]

_READ = "SELECT"
_WRITE = "SELECT INSERT UPDATE"
_ALL = "SELECT INSERT UPDATE DELETE"

# What every component's runtime needs, whatever it uses.
PLATFORM: dict[str, str] = {
    "core.alembic_version": _READ,
    "core.audit_entries": "SELECT INSERT",
    "core.outbox": "SELECT INSERT",
    "core.outbox_pending": _ALL,
    "core.inbox": "SELECT INSERT",
    "core.idempotency_keys": _ALL,
    "core.jobs": _WRITE,
    "core.job_inputs": "SELECT INSERT DELETE",
    "core.schedules": _WRITE,
    "core.currencies": _READ,
    "core.countries": _READ,
    "auth.tenants": _READ,
    "auth.memberships": _READ,
    "auth.roles": _READ,
    "auth.role_assignments": _READ,
    "auth.revocations": _READ,
}

# Tables with secrets in them: only the columns named here can be read.
PUBLIC_COLUMNS: dict[str, tuple[str, ...]] = {
    "auth.users": (
        "id",
        "email",
        "name",
        "state",
        "language",
        "must_change_password",
        "signed_out_at",
        "created_at",
        "version",
    ),
    "auth.sessions": ("id", "user_id", "tenant_id", "created_at", "last_used_at", "expires_at", "revoked_at"),
    "auth.signing_keys": ("kid", "algorithm", "public_jwk", "created_at", "retired_at"),
}

# What each word in a manifest's `uses` gives; identity is the platform's, so the words for it give nothing more.
USES: dict[str, dict[str, str]] = {
    "auth": {},
    "auth.tenants": {},
    "auth.users": {},
    "core": {"core.*": _ALL},
    "core.partners": {"core.partners": _WRITE, "core.partner_*": _ALL},
    "core.products": {
        "core.products": _WRITE,
        "core.product_*": _ALL,
        "core.categories": _WRITE,
        "core.units": _WRITE,
    },
    "inventory": {"inventory.*": _WRITE},
}

# Not even the word "core" gives these.
INTERNAL = frozenset({"core.applied_revisions"})


def grant_component(conn: Connection, manifest: Manifest) -> list[str]:
    """Give the component's role exactly what its manifest says and take what it no longer says; list what changed.

    ``conn`` acts as ``erp_owner``. Tables that do not exist yet are skipped.
    """
    role = component_role(manifest.slug)
    if role == APPLICATION:
        return []
    wanted = _wanted(conn, manifest)
    return _apply(conn, role, wanted, _held(conn, role))


def revoke_component(conn: Connection, slug: str) -> list[str]:
    """Take everything from the role of a package that is being removed."""
    role = component_role(slug)
    if role == APPLICATION or conn.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).fetchone() is None:
        return []
    return _apply(conn, role, _Rights(), _held(conn, role))


@dataclass(slots=True)
class _Rights:
    """Schemas that may be used, privileges by table, and readable columns by table."""

    schemas: set[str] = field(default_factory=set)
    tables: Privileges = field(default_factory=dict)
    columns: Privileges = field(default_factory=dict)


def _wanted(conn: Connection, manifest: Manifest) -> _Rights:
    ceiling = _held(conn, APPLICATION).tables
    tables: Privileges = {}
    patterns = [*PLATFORM.items(), *((f"{schema}.*", _ALL) for schema in manifest.schemas)]
    patterns += [item for use in manifest.uses for item in USES[use].items()]
    for table, most in ceiling.items():
        if table in INTERNAL or table in PUBLIC_COLUMNS:
            continue
        words = [words for pattern, words in patterns if fnmatchcase(table, pattern)]
        privileges = most.intersection(word for text in words for word in text.split())
        if privileges:
            tables[table] = privileges
    columns = {table: found for table, names in PUBLIC_COLUMNS.items() if (found := _existing(conn, table, names))}
    schemas = {table.partition(".")[0] for table in (*tables, *columns)} | set(manifest.schemas)
    present = {row[0] for row in conn.execute("SELECT nspname FROM pg_namespace").fetchall()}
    return _Rights(schemas & present, tables, columns)


def _existing(conn: Connection, table: str, names: tuple[str, ...]) -> set[str]:
    schema, _, name = table.partition(".")
    query = """SELECT column_name FROM information_schema.columns
               WHERE table_schema = %s AND table_name = %s AND column_name = ANY(%s)"""
    return {row[0] for row in conn.execute(query, [schema, name, list(names)]).fetchall()}


def _held(conn: Connection, role: str) -> _Rights:
    schemas = conn.execute(
        """SELECT n.nspname FROM pg_namespace n, aclexplode(n.nspacl) a
           WHERE a.grantee = %s::regrole AND a.privilege_type = 'USAGE'""",
        [role],
    )
    rights = _Rights({row[0] for row in schemas.fetchall()})
    tables = conn.execute(
        """SELECT n.nspname || '.' || c.relname, a.privilege_type
           FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) a
           WHERE a.grantee = %s::regrole""",
        [role],
    )
    for table, privilege in tables.fetchall():
        rights.tables.setdefault(table, set()).add(privilege)
    columns = conn.execute(
        """SELECT n.nspname || '.' || c.relname, t.attname
           FROM pg_attribute t JOIN pg_class c ON c.oid = t.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace,
                aclexplode(t.attacl) a
           WHERE a.grantee = %s::regrole AND a.privilege_type = 'SELECT' AND NOT t.attisdropped""",
        [role],
    )
    for table, column in columns.fetchall():
        rights.columns.setdefault(table, set()).add(column)
    return rights


def _apply(conn: Connection, role: str, wanted: _Rights, held: _Rights) -> list[str]:
    """Send only the difference, so that a repeat changes no catalogue row."""
    statements = [_on_schema("GRANT", schema, role) for schema in sorted(wanted.schemas - held.schemas)]
    statements += _difference("GRANT", role, wanted, held)
    statements += _difference("REVOKE", role, held, wanted)
    statements += [_on_schema("REVOKE", schema, role) for schema in sorted(held.schemas - wanted.schemas)]
    for statement in statements:
        conn.execute(statement)
    return [statement.as_string(conn) for statement in statements]


def _difference(verb: str, role: str, more: _Rights, less: _Rights) -> list[sql.Composed]:
    statements = []
    for table in sorted(more.tables):
        missing = more.tables[table] - less.tables.get(table, set())
        if missing:
            words = sql.SQL(", ").join(sql.SQL(word) for word in sorted(missing))
            statements.append(_on_table(verb, words, table, role))
    for table in sorted(more.columns):
        hidden = more.columns[table] - less.columns.get(table, set())
        if hidden:
            names = sql.SQL(", ").join(sql.Identifier(name) for name in sorted(hidden))
            statements.append(_on_table(verb, sql.SQL("SELECT ({})").format(names), table, role))
    return statements


def _on_table(verb: str, privileges: sql.Composed, table: str, role: str) -> sql.Composed:
    text = "GRANT {} ON {} TO {}" if verb == "GRANT" else "REVOKE {} ON {} FROM {}"
    name = sql.Identifier(*table.split(".", 1))
    return sql.SQL(text).format(privileges, name, sql.Identifier(role))


def _on_schema(verb: str, schema: str, role: str) -> sql.Composed:
    text = "GRANT USAGE ON SCHEMA {} TO {}" if verb == "GRANT" else "REVOKE USAGE ON SCHEMA {} FROM {}"
    return sql.SQL(text).format(sql.Identifier(schema), sql.Identifier(role))
