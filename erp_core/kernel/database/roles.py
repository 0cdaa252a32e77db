"""Who may do what on the server: the roles, the database and its hardening."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import errors, sql

from erp_core.kernel.database.addresses import libpq_address
from erp_core.kernel.plugins.manifest import SLUG

Connection = psycopg.Connection[Any]

OWNER = "erp_owner"
MIGRATOR = "erp_migrator"
APPLICATION = "erp_app"
BACKUP = "erp_backup"
EXTENSIONS = ("vector", "btree_gist", "pg_trgm", "unaccent")

# One lock for the whole server, because roles belong to the server and not to a database.
_LOCK = 7_237_488_001
_BUILTIN_LOCALES_SINCE = 170000


def component_role(slug: str) -> str:
    """Name the role of one component: the core serves as ``erp_app``, a plugin as ``erp_app_<slug>``."""
    if SLUG.match(slug) is None:
        msg = f"{slug!r} is not a slug."
        raise ValueError(msg)
    return APPLICATION if slug == "core" else f"{APPLICATION}_{slug}"


def prepare_server(
    admin_url: str,
    database: str,
    *,
    passwords: Callable[[str], str],
    slugs: Sequence[str],
    report: Callable[[str], None] | None = None,
) -> None:
    """Create the roles and the database, and close what PostgreSQL leaves open; safe to repeat, alone or at once.

    ``passwords`` gives a role's password; ``report`` hears, in sentences, what a managed server does not let us do.
    """
    say = report or (lambda _: None)
    with psycopg.connect(libpq_address(admin_url), autocommit=True) as admin, _alone(admin):
        _make_roles(admin, passwords, slugs, say)
        _make_database(admin, database)
        with psycopg.connect(libpq_address(admin_url), dbname=database, autocommit=True) as inside:
            _close_database(inside, database)
            _make_extensions(inside, say)
            _close_set_config(inside, say)
            _open_for_backup(inside)


def copy_database(admin_url: str, template: str, database: str) -> None:
    """Copy a prepared database to which nobody is connected, with its access list, which PostgreSQL does not copy."""
    with psycopg.connect(libpq_address(admin_url), autocommit=True) as admin, _alone(admin):
        names = sql.Identifier(database), sql.Identifier(template)
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER " + OWNER).format(*names))
        with psycopg.connect(libpq_address(admin_url), dbname=database, autocommit=True) as inside:
            _close_database(inside, database)


def ensure_component_role(conn: Connection, slug: str, password: str | None) -> str:
    """Make ``erp_app_<slug>`` if there is none and give its name; an existing one keeps its password."""
    role = component_role(slug)
    if not _exists(conn, role):
        _create_role(conn, role, "LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE", password)
    return role


def privileged(conn: Connection) -> str | None:
    """Say why the role that logged in, which RESET ROLE regains, must not serve; ``None`` when it may."""
    row = conn.execute(_PRIVILEGES).fetchone()
    if row is None:
        return "the role does not exist any more"
    name, *found = row
    reasons = (
        "is a superuser or may become one",
        "bypasses row-level security or may become a role that does",
        "may create roles",
        f"is, or may become, {OWNER}",
        "owns tables",
        "may truncate tables",
    )
    said = [reason for reason, applies in zip(reasons, found, strict=True) if applies]
    return f"The role {name} {', '.join(said)}." if said else None


_PRIVILEGES = """
SELECT session_user::text,
       EXISTS (SELECT FROM pg_roles r WHERE r.rolsuper AND pg_has_role(session_user, r.oid, 'MEMBER')),
       EXISTS (SELECT FROM pg_roles r WHERE r.rolbypassrls AND pg_has_role(session_user, r.oid, 'MEMBER')),
       EXISTS (SELECT FROM pg_roles r WHERE r.rolname = session_user AND r.rolcreaterole),
       EXISTS (SELECT FROM pg_roles r WHERE r.rolname = 'erp_owner' AND pg_has_role(session_user, r.oid, 'MEMBER')),
       EXISTS (SELECT FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner
               WHERE r.rolname = session_user AND c.relkind IN ('r', 'p', 'v', 'm', 'S')),
       EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE c.relkind IN ('r', 'p') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
               AND has_table_privilege(session_user, c.oid, 'TRUNCATE'))
"""


@contextmanager
def _alone(conn: Connection) -> Iterator[None]:
    conn.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
    try:
        yield
    finally:
        conn.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def _make_roles(
    admin: Connection, passwords: Callable[[str], str], slugs: Sequence[str], say: Callable[[str], None]
) -> None:
    plain = "LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE"
    _make_role(admin, OWNER, "NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE", None)
    _make_role(admin, MIGRATOR, "LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB CREATEROLE", passwords(MIGRATOR))
    _make_role(admin, BACKUP, plain, passwords(BACKUP))
    for role in dict.fromkeys([APPLICATION, *(component_role(slug) for slug in slugs)]):
        _make_role(admin, role, plain, passwords(role))
    # To become the owner is a step of its own, so that nothing is made under the migrator's name by accident.
    admin.execute(f"GRANT {OWNER} TO {MIGRATOR} WITH INHERIT FALSE, SET TRUE")
    if not admin.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()[0]:  # type: ignore[index]
        admin.execute(f"GRANT {OWNER} TO CURRENT_USER WITH INHERIT TRUE, SET TRUE")
    try:
        admin.execute(f"ALTER ROLE {BACKUP} BYPASSRLS")
    except errors.InsufficientPrivilege:
        say(f"This server does not let {BACKUP} bypass row-level security; take backups with the provider's own means.")


def _make_role(conn: Connection, role: str, attributes: str, password: str | None) -> None:
    if not _exists(conn, role):
        _create_role(conn, role, attributes, password)
        return
    if password is not None:
        statement = sql.SQL("ALTER ROLE {} PASSWORD {}")
        conn.execute(statement.format(sql.Identifier(role), _verifier(conn, role, password)))
    # Naming these attributes needs a superuser even to deny them, so they are denied only where somebody gave them.
    strong = "SELECT rolsuper FROM pg_roles WHERE rolname = %s AND (rolsuper OR (rolbypassrls AND rolname <> %s))"
    if conn.execute(strong, [role, BACKUP]).fetchone() is not None:
        conn.execute(sql.SQL("ALTER ROLE {} NOSUPERUSER NOBYPASSRLS").format(sql.Identifier(role)))


def _exists(conn: Connection, role: str) -> bool:
    return conn.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).fetchone() is not None


def _create_role(conn: Connection, role: str, attributes: str, password: str | None) -> None:
    statement = sql.SQL("CREATE ROLE {} {}").format(sql.Identifier(role), sql.SQL(attributes))
    if password is not None:
        statement += sql.SQL(" PASSWORD {}").format(_verifier(conn, role, password))
    conn.execute(statement)


def _verifier(conn: Connection, role: str, password: str) -> sql.Literal:
    """Hash the password here, so that the server's log of statements never holds it."""
    hashed = conn.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
    return sql.Literal(hashed.decode())


def _make_database(admin: Connection, database: str) -> None:
    name = sql.Identifier(database)
    row = admin.execute("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = %s", [database]).fetchone()
    if row is None:
        locale = "LOCALE 'C'"
        if admin.info.server_version >= _BUILTIN_LOCALES_SINCE:
            locale = "LOCALE 'C' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'"
        text = f"CREATE DATABASE {{}} OWNER {OWNER} TEMPLATE template0 ENCODING 'UTF8' {locale}"
        admin.execute(sql.SQL(text).format(name))
    elif row[0] != OWNER:
        admin.execute(sql.SQL("ALTER DATABASE {} OWNER TO " + OWNER).format(name))


def _close_database(inside: Connection, database: str) -> None:
    name = sql.Identifier(database)
    inside.execute(sql.SQL("REVOKE CREATE, TEMPORARY ON DATABASE {} FROM PUBLIC").format(name))
    inside.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")


def _make_extensions(inside: Connection, say: Callable[[str], None]) -> None:
    for extension in EXTENSIONS:
        statement = sql.SQL("CREATE EXTENSION IF NOT EXISTS {} SCHEMA public").format(sql.Identifier(extension))
        try:
            inside.execute(statement)
        except (errors.InsufficientPrivilege, errors.FeatureNotSupported, errors.UndefinedFile) as refusal:
            say(f"The extension {extension} could not be created ({refusal.diag.message_primary}); install it first.")


def _close_set_config(inside: Connection, say: Callable[[str], None]) -> None:
    """Take ``set_config`` from the application: a query could call it to change the tenant; SET it cannot say."""
    function = "FUNCTION pg_catalog.set_config(text, text, boolean)"
    try:
        with inside.transaction():
            inside.execute(f"REVOKE EXECUTE ON {function} FROM PUBLIC")
            inside.execute(f"GRANT EXECUTE ON {function} TO {OWNER}, {MIGRATOR}, {BACKUP}")
    except errors.InsufficientPrivilege:
        say("This server does not let set_config be revoked; the statements' own tenant filter still holds.")
        return
    # A server that is not ours may only warn about a revocation and keep the right.
    held = "SELECT has_function_privilege('erp_app', 'pg_catalog.set_config(text,text,boolean)', 'EXECUTE')"
    row = inside.execute(held).fetchone()
    if row is not None and row[0]:
        say("This server does not let set_config be revoked; the statements' own tenant filter still holds.")


def _open_for_backup(inside: Connection) -> None:
    """Let ``erp_backup`` read everything that is there and that will be made."""
    with inside.transaction():
        inside.execute(f"ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} GRANT SELECT ON TABLES TO {BACKUP}")
        inside.execute(f"ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} GRANT USAGE ON SCHEMAS TO {BACKUP}")
        owned = "SELECT nspname FROM pg_namespace WHERE pg_get_userbyid(nspowner) = %s"
        for (schema,) in inside.execute(owned, [OWNER]).fetchall():
            name = sql.Identifier(schema)
            inside.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO " + BACKUP).format(name))
            statement = sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA {} TO " + BACKUP)
            inside.execute(statement.format(name))
