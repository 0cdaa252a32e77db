"""The roles, the database and what PostgreSQL leaves open."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
from psycopg import errors, sql

from erp_core.kernel.database.roles import component_role, prepare_server, privileged


def pretend_password(role: str) -> str:
    return f"secret of {role}".replace(" ", "-")


def drop(admin_url: str, database: str) -> None:
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))


def test_several_preparations_at_once_end_in_one_prepared_database(admin_url: str) -> None:
    database = f"erp_{uuid4().hex[:12]}"

    def prepare(_: int) -> None:
        prepare_server(admin_url, database, passwords=pretend_password, slugs=["vidrio", "retail"])

    try:
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(prepare, range(4)))

        with psycopg.connect(admin_url, dbname=database) as conn:
            extensions = {row[0] for row in conn.execute("SELECT extname FROM pg_extension").fetchall()}
            query = "SELECT datdba::regrole::text FROM pg_database WHERE datname = %s"
            owner = conn.execute(query, [database]).fetchone()
        assert extensions == {"plpgsql", "vector", "btree_gist", "pg_trgm", "unaccent"}
        assert owner == ("erp_owner",)
    finally:
        drop(admin_url, database)


def test_a_prepared_server_has_nothing_to_report(admin_url: str) -> None:
    database = f"erp_{uuid4().hex[:12]}"
    heard: list[str] = []

    try:
        prepare_server(admin_url, database, passwords=pretend_password, slugs=[], report=heard.append)

        assert heard == []
    finally:
        drop(admin_url, database)


def test_an_administrator_who_is_no_superuser_prepares_what_it_may_and_reports_the_rest(admin_url: str) -> None:
    database, admin_name = f"erp_{uuid4().hex[:12]}", f"manager_{uuid4().hex[:8]}"
    heard: list[str] = []
    with psycopg.connect(admin_url, autocommit=True) as admin:
        make = sql.SQL("CREATE ROLE {} LOGIN CREATEROLE CREATEDB PASSWORD 'x'")
        admin.execute(make.format(sql.Identifier(admin_name)))
        # Roles of an earlier preparation belong to the superuser; a managed server's administrator has made its own.
        for role in ("erp_owner", "erp_migrator", "erp_app", "erp_backup"):
            names = sql.Identifier(role), sql.Identifier(admin_name)
            admin.execute(sql.SQL("GRANT {} TO {} WITH ADMIN OPTION").format(*names))
    parts = urlsplit(admin_url)
    managed = urlunsplit(parts._replace(netloc=f"{admin_name}:x@{parts.netloc.rpartition('@')[2]}"))

    try:
        prepare_server(managed, database, passwords=pretend_password, slugs=[], report=heard.append)

        assert any("set_config" in sentence for sentence in heard)
        assert any("erp_backup" in sentence for sentence in heard)
        with psycopg.connect(admin_url, dbname=database) as conn:
            assert conn.execute("SELECT FROM pg_extension WHERE extname = 'unaccent'").fetchone() is not None
    finally:
        drop(admin_url, database)
        with psycopg.connect(admin_url, autocommit=True) as admin:
            for role in ("erp_owner", "erp_migrator", "erp_app", "erp_backup"):
                names = sql.Identifier(role), sql.Identifier(admin_name)
                admin.execute(sql.SQL("REVOKE {} FROM {} CASCADE").format(*names))
            admin.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(admin_name)))
            admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(admin_name)))


def test_a_password_is_changed_by_preparing_again(admin_url: str, migrated: Any) -> None:
    role = f"erp_app_q{uuid4().hex[:8]}"
    slug = role.removeprefix("erp_app_")

    def passwords(its: str) -> Callable[[str], str]:
        return lambda name: its if name == role else pretend_password(name)

    prepare_server(admin_url, migrated.name, passwords=passwords(f"old {role}"), slugs=[slug])

    prepare_server(admin_url, migrated.name, passwords=passwords("it's \\ new"), slugs=[slug])

    with psycopg.connect(admin_url, dbname=migrated.name, user=role, password="it's \\ new") as conn:
        assert conn.info.user == role
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(admin_url, dbname=migrated.name, user=role, password=f"old {role}")
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


@pytest.mark.parametrize("role", ["erp_app", "erp_app_vidrio"])
def test_a_serving_role_is_not_privileged(migrated: Any, role: str) -> None:
    with psycopg.connect(migrated.url(role)) as conn:
        reason = privileged(conn)

    assert reason is None


@pytest.mark.parametrize(
    ("role", "word"),
    [(None, "superuser"), ("erp_migrator", "erp_owner"), ("erp_backup", "bypasses row-level security")],
)
def test_a_role_that_can_do_more_must_not_serve(migrated: Any, role: str | None, word: str) -> None:
    with psycopg.connect(migrated.url(role)) as conn:
        reason = privileged(conn)

    assert reason is not None
    assert word in reason


def test_a_superuser_who_plays_the_application_is_still_privileged(migrated: Any) -> None:
    with psycopg.connect(migrated.url()) as conn:
        conn.execute("SET ROLE erp_app")

        reason = privileged(conn)

    assert reason is not None


def test_the_migrator_acts_as_the_owner_only_when_it_says_so(migrated: Any) -> None:
    with psycopg.connect(migrated.url("erp_migrator")) as conn:
        with pytest.raises(errors.InsufficientPrivilege):
            conn.execute("SELECT FROM core.jobs")
        conn.rollback()

        conn.execute("SET LOCAL ROLE erp_owner")

        assert conn.execute("SELECT current_user").fetchone() == ("erp_owner",)


@pytest.mark.parametrize("slug", ["Vidrio", "a; drop", "", "x-y"])
def test_only_a_slug_names_a_role(slug: str) -> None:
    with pytest.raises(ValueError, match="slug"):
        component_role(slug)
