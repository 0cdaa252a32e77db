"""How far each package is migrated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import psycopg

from erp_core.kernel.database.addresses import libpq_address
from erp_core.kernel.database.roles import OWNER
from erp_core.kernel.migrations import archive, catalogue
from erp_core.kernel.migrations.scripts import Branch, branch_of
from erp_core.kernel.plugins.manager import Plugins

Connection = psycopg.Connection[Any]
State = Literal["up to date", "behind", "not migrated", "removed", "ahead"]


@dataclass(frozen=True, slots=True)
class Status:
    """One line of ``erp plugins list``; ``head`` is ``None`` for a package that is gone."""

    slug: str
    name: str
    package_version: str
    current: str | None
    head: str | None
    state: State


def status(plugins: Plugins, url: str) -> list[Status]:
    """Say of each installed package, and of each that left tables behind, how far it is migrated."""
    with psycopg.connect(libpq_address(url)) as conn:
        _see_everything(conn)
        found = [_status(conn, branch_of(plugin)) for plugin in plugins.installed.values()]
        for slug, version in archive.archived_slugs(conn).items():
            if slug not in plugins.installed:
                current = catalogue.current_revision(conn, slug, catalogue.schemas_of(conn, slug))
                found.append(Status(slug, slug, version, current, None, "removed"))
        return found


def expected_heads(plugins: Plugins) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """Give each enabled package's schemas and its revisions, oldest first; read once, then pass it to `behind`."""
    branches = [branch_of(plugin) for plugin in plugins.enabled]
    return {b.slug: (b.schemas, tuple(script.revision for script in b.line)) for b in branches}


def behind(
    plugins: Plugins,
    conn: Connection,
    expected: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] | None = None,
) -> list[str]:
    """List, in sentences, the enabled packages whose tables are older than their code; empty when all fit.

    A database that is ahead is fit: a revision works with the previous release's code.
    """
    sentences = []
    for slug, (schemas, line) in (expected if expected is not None else expected_heads(plugins)).items():
        current = catalogue.current_revision(conn, slug, schemas)
        if line and (current is None or current in line[:-1]):
            at = current or "nothing"
            sentences.append(f"{slug} is at {at} and needs {line[-1]}; run `erp plugins migrate`.")
    return sentences


def _status(conn: Connection, branch: Branch) -> Status:
    current = catalogue.current_revision(conn, branch.slug, branch.schemas)
    state: State = "behind"
    if current == branch.head:
        state = "up to date"
    elif current is None:
        state = "not migrated"
    elif not branch.knows(current):
        state = "ahead"
    return Status(branch.slug, branch.name, branch.package_version, current, branch.head, state)


def _see_everything(conn: Connection) -> None:
    """Act as the owner where the role may, so that the migrator, who inherits nothing, can read the version tables."""
    row = conn.execute(
        "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %s AND pg_has_role(session_user, oid, 'SET'))", [OWNER]
    ).fetchone()
    if row is not None and row[0]:
        conn.execute(f"SET LOCAL ROLE {OWNER}")
