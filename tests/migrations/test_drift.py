"""Models and tables say the same, and a difference of each kind is noticed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import MetaData

from erp_core.kernel.database import tables
from erp_core.kernel.database.addresses import sqlalchemy_address
from erp_core.kernel.migrations.drift import drift
from erp_core.kernel.migrations.runner import migrate

KERNEL = [table for table in tables.Base.metadata.tables.values() if table.schema == "core"]


@pytest.fixture
def kernel_tables() -> MetaData:
    """The kernel's own models, whatever other modules have been imported."""
    names = {"audit_entries", "outbox", "outbox_pending", "inbox", "idempotency_keys", "jobs", "job_inputs"}
    metadata = MetaData(naming_convention=tables.Base.metadata.naming_convention)
    for table in KERNEL:
        if table.name in {*names, "schedules", "applied_revisions"}:
            table.to_metadata(metadata)
    return metadata


@pytest.fixture
def connection(empty: Any, find: Any, kernel_tables: MetaData) -> Iterator[sa.Connection]:
    """The migrated database, with the kernel's tables alone in the schema ``core``."""
    migrate(find(), empty.url("erp_migrator"))
    engine = sa.create_engine(sqlalchemy_address(empty.url()), poolclass=sa.NullPool)
    with engine.connect() as conn:
        kept = {table.name for table in kernel_tables.tables.values()} | {"alembic_version"}
        for name in sa.inspect(conn).get_table_names(schema="core"):
            if name not in kept:
                conn.execute(sa.text(f'DROP TABLE core."{name}" CASCADE'))
        yield conn
        conn.rollback()
    engine.dispose()


def test_the_kernels_models_and_its_revision_say_the_same(connection: sa.Connection, kernel_tables: MetaData) -> None:
    differences = drift(connection, kernel_tables, ["core"])

    assert differences == []


@pytest.mark.parametrize(
    ("change", "noticed"),
    [
        ("ALTER TABLE core.jobs ADD COLUMN extra text", "core.jobs.extra: the column is only in the database"),
        ("ALTER TABLE core.jobs DROP COLUMN total", "core.jobs.total: the column is only in the model"),
        (
            "ALTER TABLE core.jobs ALTER done TYPE integer",
            "core.jobs.done: its type is INTEGER and the model says BIGINT",
        ),
        (
            "ALTER TABLE core.jobs ALTER kind DROP NOT NULL",
            "core.jobs.kind: its nullable is True and the model says False",
        ),
        (
            "ALTER TABLE core.jobs ALTER state DROP DEFAULT",
            "core.jobs.state: its default is None and the model says 'queued'",
        ),
        (
            'ALTER TABLE core.jobs ALTER kind TYPE text COLLATE "default"',
            "core.jobs.kind: its collation is default and the model says C",
        ),
        (
            "ALTER TABLE core.jobs ADD CONSTRAINT ck_jobs_done CHECK (done >= 0)",
            "core.jobs: the constraint ck_jobs_done is only in the database",
        ),
        (
            "ALTER TABLE core.inbox DROP CONSTRAINT pk_inbox",
            "core.inbox: the constraint pk_inbox (tenant_id, id) is only in the model",
        ),
        (
            "DROP INDEX core.ix_jobs_tenant_id_state_id",
            "core.jobs.ix_jobs_tenant_id_state_id: the index is only in the model",
        ),
        ("CREATE TABLE core.other (id int)", "core.other: the table is only in the database"),
        ("DROP TABLE core.schedules", "core.schedules: the table is only in the model"),
    ],
)
def test_a_difference_is_noticed(connection: sa.Connection, kernel_tables: MetaData, change: str, noticed: str) -> None:
    connection.execute(sa.text(change))

    differences = drift(connection, kernel_tables, ["core"])

    assert noticed in differences
