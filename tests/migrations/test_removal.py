"""Taking a package out: what would go is shown first, and it works when the package is gone already."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from erp_core.kernel.errors import OperatorError
from erp_core.kernel.migrations.removal import TableRows, preview_removal, remove
from erp_core.kernel.migrations.runner import downgrade, migrate
from erp_core.kernel.migrations.status import status

MIGRATOR = "erp_migrator"


def fetch(database: Any, query: str, *values: Any) -> list[tuple[Any, ...]]:
    with psycopg.connect(database.url()) as conn:
        return conn.execute(query.encode(), values).fetchall()


@pytest.fixture
def gone(empty: Any, find: Any, make_package: Any) -> Any:
    """A package that was migrated, holds three rows of three tenants, and is not installed any more."""
    package = make_package(schemas=2)
    migrate(find(package), empty.url(MIGRATOR), passwords=lambda role: role)
    table = f"{package.schemas[0]}.quotes"
    rows = f"INSERT INTO {table} SELECT gen_random_uuid(), gen_random_uuid() FROM generate_series(1, 3)"
    with psycopg.connect(empty.url()) as conn:
        conn.execute(rows.encode())
    return package


def test_a_package_that_is_gone_is_listed_as_removed(empty: Any, find: Any, gone: Any) -> None:
    lines = {line.slug: line for line in status(find(), empty.url(MIGRATOR))}

    assert (lines[gone.slug].state, lines[gone.slug].current) == ("removed", gone.revisions[0])


def test_the_other_packages_go_on_without_it(empty: Any, find: Any, gone: Any, make_package: Any) -> None:
    other = make_package()

    applied = migrate(find(other), empty.url(MIGRATOR))

    assert [step.slug for step in applied] == [other.slug]


def test_the_preview_counts_the_rows_of_every_tenant_and_changes_nothing(empty: Any, find: Any, gone: Any) -> None:
    preview = preview_removal(find(), empty.url(MIGRATOR), gone.slug)

    table = f"{gone.schemas[0]}.quotes"
    assert preview == [TableRows(table, 3)]
    forced = fetch(empty, "SELECT relforcerowsecurity FROM pg_class WHERE oid = %s::regclass", table)
    assert forced == [(True,)]


def test_it_can_be_undone_from_the_archive(empty: Any, find: Any, gone: Any) -> None:
    undone = downgrade(find(), empty.url(MIGRATOR), gone.slug, "base")

    assert [step.revision for step in undone] == gone.revisions
    left = fetch(empty, "SELECT tablename FROM pg_tables WHERE schemaname = %s", gone.schemas[0])
    assert left == [("alembic_version",)]


def test_removing_it_leaves_no_schema_no_archive_and_no_rights(empty: Any, find: Any, gone: Any) -> None:
    remove(find(), empty.url(MIGRATOR), gone.slug)

    assert fetch(empty, "SELECT nspname FROM pg_namespace WHERE nspname = ANY(%s)", list(gone.schemas)) == []
    assert fetch(empty, "SELECT FROM core.applied_revisions WHERE slug = %s", gone.slug) == []
    rights = "SELECT has_schema_privilege(%s, 'core', 'USAGE')"
    assert fetch(empty, rights, f"erp_app_{gone.slug}") == [(False,)]
    assert [line.slug for line in status(find(), empty.url(MIGRATOR))] == ["core"]


def test_installed_again_after_its_removal_it_starts_afresh(empty: Any, find: Any, gone: Any) -> None:
    remove(find(gone), empty.url(MIGRATOR), gone.slug)

    applied = migrate(find(gone), empty.url(MIGRATOR))

    assert [step.revision for step in applied] == gone.revisions
    assert fetch(empty, f"SELECT count(*) FROM {gone.schemas[0]}.quotes") == [(0,)]


def test_tables_that_no_revision_drops_stop_the_removal(empty: Any, find: Any, gone: Any) -> None:
    by_hand = f"CREATE TABLE {gone.schemas[1]}.by_hand (id int)"
    with psycopg.connect(empty.url()) as conn:
        conn.execute(by_hand.encode())

    with pytest.raises(OperatorError, match="by_hand"):
        remove(find(), empty.url(MIGRATOR), gone.slug)


def test_a_package_that_another_requires_stays(empty: Any, find: Any, gone: Any, make_package: Any) -> None:
    needing = make_package(requires=[gone.slug])

    with pytest.raises(OperatorError, match="requires"):
        remove(find(gone, needing), empty.url(MIGRATOR), gone.slug)


def test_the_core_stays(empty: Any, find: Any) -> None:
    with pytest.raises(OperatorError, match="core cannot be removed"):
        remove(find(), empty.url(MIGRATOR), "core")


def test_a_slug_that_nobody_knows_is_refused(empty: Any, find: Any, gone: Any) -> None:
    with pytest.raises(OperatorError, match="neither installed nor in the archive"):
        preview_removal(find(), empty.url(MIGRATOR), "nada")


def test_an_archive_that_was_tampered_with_is_not_run(empty: Any, find: Any, gone: Any) -> None:
    with psycopg.connect(empty.url()) as conn:
        conn.execute("UPDATE core.applied_revisions SET source = source || ' ' WHERE slug = %s", [gone.slug])

    with pytest.raises(OperatorError, match="recorded hash"):
        downgrade(find(), empty.url(MIGRATOR), gone.slug, "base")
