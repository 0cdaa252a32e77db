"""Attacks at the level of the database: what a serving role could try if a query of ours were wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import errors, sql

from erp_core.kernel.ids import new_id

Connection = psycopg.Connection[Any]

INSERT_JOB = "INSERT INTO core.jobs (tenant_id, id, kind) VALUES (%s, %s, 'probe')"
COUNT_JOBS = "SELECT count(*) FROM core.jobs WHERE kind = 'probe'"


def enter(conn: Connection, tenant: UUID) -> None:
    conn.execute(sql.SQL("SET LOCAL app.current_tenant = {}").format(sql.Literal(str(tenant))))


def count_jobs(conn: Connection) -> int:
    row = conn.execute(COUNT_JOBS).fetchone()
    assert row is not None
    return int(row[0])


@pytest.fixture
def app(migrated: Any) -> Iterator[Connection]:
    """The application's own role, in a transaction that is rolled back."""
    with psycopg.connect(migrated.url("erp_app")) as conn:
        yield conn
        conn.rollback()


@pytest.fixture
def someone_elses_job(migrated: Any) -> Iterator[tuple[UUID, UUID]]:
    """A committed row of another tenant: (tenant, id)."""
    tenant, job = new_id(), new_id()
    with psycopg.connect(migrated.url("erp_app")) as conn:
        enter(conn, tenant)
        conn.execute(INSERT_JOB, [tenant, job])
    yield tenant, job
    with psycopg.connect(migrated.url("erp_app")) as conn:
        enter(conn, tenant)
        conn.execute("DELETE FROM core.jobs WHERE id = %s", [job])


def test_without_a_tenant_no_row_is_seen(app: Connection, someone_elses_job: tuple[UUID, UUID]) -> None:
    seen = count_jobs(app)

    assert seen == 0


def test_without_a_tenant_a_write_is_refused(app: Connection) -> None:
    with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
        app.execute(INSERT_JOB, [new_id(), new_id()])


def test_after_the_transaction_the_tenant_is_forgotten(app: Connection, someone_elses_job: tuple[UUID, UUID]) -> None:
    enter(app, someone_elses_job[0])
    during = count_jobs(app)
    app.commit()

    after = count_jobs(app)

    assert (during, after) == (1, 0)


def test_a_foreign_tenants_row_is_invisible_by_its_id(app: Connection, someone_elses_job: tuple[UUID, UUID]) -> None:
    tenant, job = someone_elses_job
    enter(app, new_id())

    found = app.execute("SELECT FROM core.jobs WHERE tenant_id = %s AND id = %s", [tenant, job]).fetchall()

    assert found == []


@pytest.mark.parametrize(
    "change", ["UPDATE core.jobs SET done = 1 WHERE id = %s", "DELETE FROM core.jobs WHERE id = %s"]
)
def test_a_foreign_tenants_row_cannot_be_changed(
    app: Connection, someone_elses_job: tuple[UUID, UUID], change: str
) -> None:
    enter(app, new_id())

    touched = app.execute(change.encode(), [someone_elses_job[1]]).rowcount

    assert touched == 0


def test_a_row_cannot_be_written_for_another_tenant(app: Connection) -> None:
    enter(app, new_id())

    with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
        app.execute(INSERT_JOB, [new_id(), new_id()])


def test_a_row_cannot_be_moved_to_another_tenant(app: Connection) -> None:
    tenant, job = new_id(), new_id()
    enter(app, tenant)
    app.execute(INSERT_JOB, [tenant, job])

    with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
        app.execute("UPDATE core.jobs SET tenant_id = %s WHERE id = %s", [new_id(), job])


def test_a_key_cannot_point_at_another_tenants_row(migrated: Any, someone_elses_job: tuple[UUID, UUID]) -> None:
    mine = new_id()
    with psycopg.connect(migrated.url()) as conn:
        conn.execute(
            """CREATE TABLE core.notes (tenant_id uuid NOT NULL, id uuid NOT NULL, job_id uuid NOT NULL,
               PRIMARY KEY (tenant_id, id),
               FOREIGN KEY (tenant_id, job_id) REFERENCES core.jobs (tenant_id, id) ON DELETE RESTRICT)"""
        )

        with pytest.raises(errors.ForeignKeyViolation):
            conn.execute("INSERT INTO core.notes VALUES (%s, %s, %s)", [mine, new_id(), someone_elses_job[1]])

        conn.rollback()


@pytest.mark.parametrize("role", ["erp_app", "erp_app_vidrio"])
def test_set_config_is_refused(migrated: Any, role: str) -> None:
    with psycopg.connect(migrated.url(role)) as conn, pytest.raises(errors.InsufficientPrivilege):
        conn.execute("SELECT set_config('app.current_tenant', %s, true)", [str(new_id())])


def test_a_parameter_cannot_change_the_tenant(app: Connection, someone_elses_job: tuple[UUID, UUID]) -> None:
    enter(app, new_id())
    attack = f"x'; SET LOCAL app.current_tenant = '{someone_elses_job[0]}'; --"

    app.execute("SELECT id FROM core.jobs WHERE kind = %s", [attack])

    assert count_jobs(app) == 0


@pytest.mark.parametrize(
    "forbidden",
    [
        "TRUNCATE core.jobs",
        "CREATE TABLE core.mine (id int)",
        "CREATE TABLE public.mine (id int)",
        "CREATE TEMPORARY TABLE mine (id int)",
        "CREATE SCHEMA mine",
        "ALTER TABLE core.jobs ADD COLUMN extra int",
        "ALTER TABLE core.jobs DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE core.jobs NO FORCE ROW LEVEL SECURITY",
        "CREATE POLICY open ON core.jobs USING (true)",
        "DROP POLICY tenant_always ON core.jobs",
        "DROP TABLE core.jobs",
        "SET ROLE erp_owner",
        "SET ROLE erp_migrator",
        "UPDATE core.audit_entries SET action = 'nothing'",
        "DELETE FROM core.audit_entries",
        "DELETE FROM core.outbox",
        "DELETE FROM core.inbox",
        "DELETE FROM core.applied_revisions",
        "UPDATE core.alembic_version SET version_num = 'x'",
        "COPY core.jobs TO PROGRAM 'cat'",
        "CREATE FUNCTION core.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE EXTENSION citext",
    ],
)
@pytest.mark.parametrize("role", ["erp_app", "erp_app_vidrio"])
def test_a_serving_role_may_not(migrated: Any, role: str, forbidden: str) -> None:
    with psycopg.connect(migrated.url(role)) as conn, pytest.raises(errors.InsufficientPrivilege):
        conn.execute(forbidden.encode())


def test_turning_row_security_off_is_an_error_and_shows_nothing(app: Connection) -> None:
    app.execute("SET LOCAL row_security = off")

    with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
        app.execute(COUNT_JOBS)


def test_a_careless_policy_of_somebody_else_is_harmless(migrated: Any, someone_elses_job: tuple[UUID, UUID]) -> None:
    with psycopg.connect(migrated.url()) as conn:
        conn.execute("CREATE POLICY careless ON core.jobs USING (true) WITH CHECK (true)")
        conn.execute("SET LOCAL ROLE erp_app")
        enter(conn, new_id())

        seen = count_jobs(conn)

        assert seen == 0
        conn.rollback()


def test_the_owner_too_sees_no_row_without_a_tenant(migrated: Any, someone_elses_job: tuple[UUID, UUID]) -> None:
    with psycopg.connect(migrated.url("erp_migrator")) as conn:
        conn.execute("SET LOCAL ROLE erp_owner")

        seen = count_jobs(conn)

        assert seen == 0


def test_a_backup_reads_every_tenants_rows(migrated: Any, someone_elses_job: tuple[UUID, UUID]) -> None:
    with psycopg.connect(migrated.url("erp_backup")) as conn:
        seen = count_jobs(conn)

        assert seen >= 1


def test_the_two_conditions_together_become_a_one_time_filter(app: Connection) -> None:
    tenant = new_id()
    enter(app, tenant)
    app.execute("SET LOCAL plan_cache_mode = force_generic_plan")
    app.execute("PREPARE probe (uuid) AS SELECT id FROM core.jobs WHERE tenant_id = $1")

    lines = app.execute(f"EXPLAIN EXECUTE probe ('{tenant}')".encode()).fetchall()

    assert any("One-Time Filter" in line for (line,) in lines)
