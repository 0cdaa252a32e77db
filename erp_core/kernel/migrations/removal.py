"""Take a package's tables out of the database, after showing what that would drop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from psycopg import sql

from erp_core.kernel.database.grants import revoke_component
from erp_core.kernel.errors import OperatorError
from erp_core.kernel.migrations import archive, catalogue
from erp_core.kernel.migrations.runner import WAIT, Applied, undo
from erp_core.kernel.migrations.session import Session, open_session
from erp_core.kernel.plugins.manager import CORE, Plugins


@dataclass(frozen=True, slots=True)
class TableRows:
    """A table that a removal would drop, and how many rows it holds over all tenants."""

    table: str
    rows: int


def preview_removal(
    plugins: Plugins, migrator_url: str, slug: str, *, wait: float = WAIT, say: Callable[[str], None] | None = None
) -> list[TableRows]:
    """List the tables that `remove` would drop, with their rows; changes nothing."""
    _refuse_core(slug)
    with open_session(migrator_url, wait=wait, say=say) as session:
        with session.as_owner():
            tables = catalogue.tables_in(session.raw, _schemas(session, plugins, slug))
        return [TableRows(f"{schema}.{name}", _count(session, schema, name)) for schema, name in tables]


def remove(
    plugins: Plugins, migrator_url: str, slug: str, *, wait: float = WAIT, say: Callable[[str], None] | None = None
) -> list[Applied]:
    """Undo all of a package's revisions, drop its schemas and take its role's rights; the rows are gone for good."""
    _refuse_core(slug)
    needing = [plugin.slug for plugin in plugins.enabled if slug in plugin.manifest.requires]
    if needing:
        raise OperatorError(f"{', '.join(needing)} requires {slug}.", f"Remove {', '.join(needing)} first.")
    with open_session(migrator_url, wait=wait, say=say) as session:
        with session.as_owner():
            schemas = _schemas(session, plugins, slug)
        undone = undo(session, plugins, slug, None)
        with session.as_owner():
            _drop_schemas(session, slug, schemas)
            revoke_component(session.raw, slug)
            session.raw.execute("DELETE FROM core.applied_revisions WHERE slug = %s", [slug])
    return undone


def _refuse_core(slug: str) -> None:
    if slug == CORE:
        raise OperatorError("The core cannot be removed; everything stands on it.", "Drop the database instead.")


def _schemas(session: Session, plugins: Plugins, slug: str) -> tuple[str, ...]:
    plugin = plugins.installed.get(slug)
    if plugin is not None:
        return plugin.manifest.schemas
    if slug not in archive.archived_slugs(session.raw):
        sentence = f"There is no package {slug}, neither installed nor in the archive."
        raise OperatorError(sentence, "`erp plugins list` shows what is there.")
    return catalogue.schemas_of(session.raw, slug)


def _count(session: Session, schema: str, name: str) -> int:
    """Count the rows of all tenants: row-level security, which binds the owner too, is lifted and rolled back."""
    with session.as_owner():
        table = sql.Identifier(schema, name)
        session.raw.execute("SAVEPOINT lifted")
        session.raw.execute(sql.SQL("ALTER TABLE {} NO FORCE ROW LEVEL SECURITY").format(table))
        row = session.raw.execute(sql.SQL("SELECT count(*) FROM {}").format(table)).fetchone()
        session.raw.execute("ROLLBACK TO SAVEPOINT lifted")
    return int(row[0]) if row is not None else 0


def _drop_schemas(session: Session, slug: str, schemas: tuple[str, ...]) -> None:
    left = catalogue.tables_in(session.raw, schemas)
    if left:
        names = ", ".join(f"{schema}.{name}" for schema, name in left)
        sentence = f"The downgrade of {slug} left tables behind: {names}."
        raise OperatorError(sentence, "Drop them by hand as erp_owner, then remove it again.")
    for schema in schemas:
        # The version table is what is left in there.
        version = sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(schema, "alembic_version"))
        session.raw.execute(version)
        session.raw.execute(sql.SQL("DROP SCHEMA IF EXISTS {}").format(sql.Identifier(schema)))
