"""A component's own role is given what its manifest says and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg import errors, sql

from erp_core.kernel.database.grants import USES, grant_component, revoke_component
from erp_core.kernel.plugins.manifest import USABLE, Label, Manifest

TABLES = """
CREATE SCHEMA vidrio AUTHORIZATION erp_owner;
CREATE TABLE vidrio.quotes (id uuid); GRANT SELECT, INSERT, UPDATE, DELETE ON vidrio.quotes TO erp_app;
CREATE TABLE vidrio.postings (id uuid); GRANT SELECT, INSERT ON vidrio.postings TO erp_app;
CREATE SCHEMA retail AUTHORIZATION erp_owner;
CREATE TABLE retail.tickets (id uuid); GRANT SELECT, INSERT, UPDATE, DELETE ON retail.tickets TO erp_app;
CREATE TABLE core.part_of_core (id uuid); GRANT SELECT, INSERT, UPDATE, DELETE ON core.part_of_core TO erp_app;
CREATE TABLE inventory.part_of_stock (id uuid); GRANT SELECT, INSERT ON inventory.part_of_stock TO erp_app;
"""


def manifest(*uses: str) -> Manifest:
    return Manifest(
        "vidrio", "erp_vidrio", Label("Vidrio", "Glass"), "0.1.0", ">=0.1", 3031, 3030, ("vidrio",), 4, uses=uses
    )


@pytest.fixture
def owner(copy_of_migrated: Callable[[], Any]) -> Iterator[psycopg.Connection[Any]]:
    """The owner, in a database where a package's tables are."""
    with psycopg.connect(copy_of_migrated().url("erp_migrator")) as conn:
        conn.execute("SET ROLE erp_owner")
        conn.execute(TABLES.encode())
        yield conn
        conn.rollback()


def may(conn: psycopg.Connection[Any], privilege: str, table: str) -> bool:
    row = conn.execute("SELECT has_table_privilege('erp_app_vidrio', %s, %s)", [table, privilege]).fetchone()
    return row is not None and bool(row[0])


def test_its_own_tables_are_as_open_as_they_are_to_the_application(owner: psycopg.Connection[Any]) -> None:
    grant_component(owner, manifest())

    assert may(owner, "DELETE", "vidrio.quotes")
    assert may(owner, "INSERT", "vidrio.postings")
    assert not may(owner, "UPDATE", "vidrio.postings")
    assert not may(owner, "TRUNCATE", "vidrio.quotes")


def test_another_packages_tables_are_closed(owner: psycopg.Connection[Any]) -> None:
    grant_component(owner, manifest("core", "inventory", "auth"))

    assert not may(owner, "SELECT", "retail.tickets")


def test_the_core_is_closed_to_a_package_that_does_not_use_it(owner: psycopg.Connection[Any]) -> None:
    grant_component(owner, manifest())

    assert not may(owner, "SELECT", "core.part_of_core")
    assert not may(owner, "SELECT", "inventory.part_of_stock")


def test_using_a_part_of_the_core_opens_it_up_to_what_the_application_may(owner: psycopg.Connection[Any]) -> None:
    grant_component(owner, manifest("core", "inventory"))

    assert may(owner, "DELETE", "core.part_of_core")
    assert may(owner, "INSERT", "inventory.part_of_stock")
    assert not may(owner, "UPDATE", "inventory.part_of_stock")
    assert not may(owner, "SELECT", "core.applied_revisions")


def test_what_a_manifest_no_longer_uses_is_taken_back(owner: psycopg.Connection[Any]) -> None:
    grant_component(owner, manifest("inventory"))

    grant_component(owner, manifest())

    assert not may(owner, "SELECT", "inventory.part_of_stock")


def test_granting_again_changes_nothing(owner: psycopg.Connection[Any]) -> None:
    first = grant_component(owner, manifest("core", "inventory"))

    second = grant_component(owner, manifest("core", "inventory"))

    assert first != []
    assert second == []


def test_a_package_that_goes_leaves_a_role_without_rights(owner: psycopg.Connection[Any]) -> None:
    grant_component(owner, manifest("core", "inventory"))

    revoke_component(owner, "vidrio")

    assert not may(owner, "SELECT", "vidrio.quotes")
    assert not may(owner, "SELECT", "core.jobs")


def test_every_component_can_do_what_the_platform_does_in_its_process(owner: psycopg.Connection[Any]) -> None:
    grant_component(owner, manifest())

    assert may(owner, "INSERT", "core.audit_entries")
    assert may(owner, "INSERT", "core.outbox")
    assert may(owner, "DELETE", "core.outbox_pending")
    assert may(owner, "UPDATE", "core.jobs")
    assert may(owner, "SELECT", "core.alembic_version")
    assert not may(owner, "UPDATE", "core.audit_entries")


@pytest.mark.parametrize(
    ("table", "open_column", "secret"),
    [("auth.users", "email", "password_hash"), ("auth.signing_keys", "public_jwk", "private_pem")],
)
def test_secrets_of_identity_are_closed_column_by_column(
    owner: psycopg.Connection[Any], table: str, open_column: str, secret: str
) -> None:
    grant_component(owner, manifest("auth", "core"))
    columns = "SELECT has_column_privilege('erp_app_vidrio', %s, %s, 'SELECT')"

    assert owner.execute(columns, [table, open_column]).fetchone() == (True,)
    assert owner.execute(columns, [table, secret]).fetchone() == (False,)
    assert not may(owner, "SELECT", table)


def test_refresh_tokens_are_closed_altogether(owner: psycopg.Connection[Any]) -> None:
    grant_component(owner, manifest("auth", "core", "inventory"))

    assert not may(owner, "SELECT", "auth.refresh_tokens")


def test_every_word_that_a_manifest_may_use_has_a_meaning() -> None:
    assert set(USES) == set(USABLE)


def test_the_rights_hold_for_a_real_connection(copy_of_migrated: Callable[[], Any]) -> None:
    database = copy_of_migrated()
    with psycopg.connect(database.url("erp_migrator")) as conn:
        conn.execute("SET ROLE erp_owner")
        conn.execute(TABLES.encode())
        grant_component(conn, manifest("auth"))

    with psycopg.connect(database.url("erp_app_vidrio"), autocommit=True) as conn:
        conn.execute("SELECT id, email FROM auth.users")
        conn.execute("SELECT id FROM vidrio.quotes")
        for forbidden in ("auth.users", "retail.tickets", "auth.refresh_tokens", "core.applied_revisions"):
            with pytest.raises(errors.InsufficientPrivilege):
                conn.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(*forbidden.split("."))))
