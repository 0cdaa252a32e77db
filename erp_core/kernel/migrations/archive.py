"""The source of every applied revision, kept in the database, so that a package can be undone after it is gone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
from alembic.script import Script

from erp_core.kernel.errors import OperatorError
from erp_core.kernel.migrations.catalogue import schemas_of
from erp_core.kernel.migrations.scripts import Branch, read_line

Connection = psycopg.Connection[Any]

_RECORD = """
INSERT INTO core.applied_revisions (slug, revision, down_revision, file_name, source, sha256, package_version)
VALUES (%s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (slug, revision) DO UPDATE SET down_revision = excluded.down_revision, file_name = excluded.file_name,
  source = excluded.source, sha256 = excluded.sha256, package_version = excluded.package_version, applied_at = now()
"""


def record(conn: Connection, branch: Branch, script: Script) -> None:
    """Keep a revision's source, in the transaction that applies it."""
    source = Path(script.path).read_text(encoding="utf-8")
    hashed = hashlib.sha256(source.encode()).hexdigest()
    down = script.down_revision if isinstance(script.down_revision, str) else None
    name = Path(script.path).name
    conn.execute(_RECORD, [branch.slug, script.revision, down, name, source, hashed, branch.package_version])


def forget(conn: Connection, slug: str, revision: str) -> None:
    """Drop a revision's source, in the transaction that undoes it."""
    if exists(conn):
        conn.execute("DELETE FROM core.applied_revisions WHERE slug = %s AND revision = %s", [slug, revision])


def exists(conn: Connection) -> bool:
    """Say whether the archive is there; before the core's first revision, and after undoing it, there is none."""
    row = conn.execute("SELECT to_regclass('core.applied_revisions') IS NOT NULL").fetchone()
    return row is not None and bool(row[0])


def archived_slugs(conn: Connection) -> dict[str, str]:
    """Give every slug in the archive with the package version that was migrated last."""
    if not exists(conn):
        return {}
    query = "SELECT DISTINCT ON (slug) slug, package_version FROM core.applied_revisions ORDER BY slug, applied_at DESC"
    return dict(conn.execute(query).fetchall())


@contextmanager
def archived_branch(conn: Connection, slug: str) -> Iterator[Branch]:
    """Write a package's archived revisions into a temporary folder and read them as if the package were there."""
    versions = archived_slugs(conn)
    if slug not in versions:
        sentence = f"Nothing was ever migrated for {slug}."
        raise OperatorError(sentence, "`erp plugins list` shows what is installed and what is archived.")
    query = "SELECT file_name, source, sha256 FROM core.applied_revisions WHERE slug = %s"
    with TemporaryDirectory(prefix="erp-revisions-") as name:
        folder = Path(name)
        for file_name, source, hashed in conn.execute(query, [slug]).fetchall():
            if hashlib.sha256(source.encode()).hexdigest() != hashed:
                sentence = f"The archived revision {file_name} of {slug} does not have its recorded hash."
                raise OperatorError(sentence, f"Install the package of {slug} again and repeat.")
            (folder / Path(file_name).name).write_text(source, encoding="utf-8")
        directory, line = read_line(folder, slug)
        yield Branch(slug, slug, versions[slug], schemas_of(conn, slug), directory, line)
