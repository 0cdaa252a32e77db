"""Schemas, functions and the kernel's own tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from erp_core.kernel.migrations.ops import (
    create_schema,
    mutable_columns,
    open_table,
    protect,
    tenant_columns,
    text_c,
)

revision = "core_0001"
down_revision = None
branch_labels = ("core",)
depends_on = None

MOMENT = sa.DateTime(timezone=True)

# Accents go before case does, so that the result is the same under every collation of the database.
FOLD = """
CREATE FUNCTION core.fold(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT SECURITY INVOKER SET search_path = pg_catalog
AS $$ SELECT lower(public.unaccent('public.unaccent'::regdictionary, value)) $$
"""

REFUSE = """
CREATE FUNCTION core.refuse(code text, detail jsonb) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY INVOKER SET search_path = pg_catalog
AS $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'ERP01', MESSAGE = code, DETAIL = detail::text; END $$
"""


def upgrade() -> None:
    for schema in ("core", "auth", "inventory"):
        create_schema(schema)
    op.execute(FOLD)
    op.execute(REFUSE)
    op.execute("GRANT EXECUTE ON FUNCTION core.fold(text), core.refuse(text, jsonb) TO PUBLIC")
    _audit_entries()
    _outbox()
    _inbox()
    _idempotency_keys()
    _jobs()
    _global_tables()


def downgrade() -> None:
    tables = ("applied_revisions", "schedules", "job_inputs", "jobs", "idempotency_keys", "inbox")
    for table in (*tables, "outbox_pending", "outbox", "audit_entries"):
        op.drop_table(table, schema="core")
    op.execute("DROP FUNCTION core.refuse(text, jsonb)")
    op.execute("DROP FUNCTION core.fold(text)")
    op.execute("DROP SCHEMA IF EXISTS auth")
    op.execute("DROP SCHEMA IF EXISTS inventory")


def _created_at(name: str = "created_at") -> sa.Column[object]:
    return sa.Column(name, MOMENT, nullable=False, server_default=sa.text("now()"))


def _audit_entries() -> None:
    op.create_table(
        "audit_entries",
        *tenant_columns(),
        _created_at("at"),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("request_id", text_c()),
        sa.Column("address", text_c()),
        sa.Column("resource", text_c(), nullable=False),
        sa.Column("object_id", sa.Uuid(), nullable=False),
        sa.Column("action", text_c(), nullable=False),
        sa.Column("before", JSONB()),
        sa.Column("after", JSONB()),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_audit_entries"),
        schema="core",
    )
    columns = ["tenant_id", "resource", "object_id", "id"]
    op.create_index("ix_audit_entries_tenant_id_resource_object_id_id", "audit_entries", columns, schema="core")
    protect("core.audit_entries", append_only=True)


def _outbox() -> None:
    op.create_table(
        "outbox",
        *tenant_columns(),
        sa.Column("kind", text_c(), nullable=False),
        sa.Column("name", text_c(), nullable=False),
        sa.Column("payload", JSONB(), nullable=False),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("request_id", text_c()),
        _created_at(),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_outbox"),
        schema="core",
    )
    op.create_index("ix_outbox_tenant_id_created_at", "outbox", ["tenant_id", "created_at"], schema="core")
    protect("core.outbox", append_only=True)
    op.create_table(
        "outbox_pending",
        *tenant_columns(),
        sa.Column("queue", text_c(), nullable=False),
        sa.Column("name", text_c(), nullable=False),
        _created_at("available_at"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_outbox_pending"),
        schema="core",
    )
    op.create_index("ix_outbox_pending_available_at", "outbox_pending", ["available_at"], schema="core")
    open_table("core.outbox_pending", app="SELECT, INSERT, UPDATE, DELETE")


def _inbox() -> None:
    op.create_table(
        "inbox",
        *tenant_columns(),
        _created_at("at"),
        sa.Column("task", text_c(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_inbox"),
        schema="core",
    )
    op.create_index("ix_inbox_tenant_id_at", "inbox", ["tenant_id", "at"], schema="core")
    protect("core.inbox", append_only=True)


def _idempotency_keys() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("key", text_c(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.SmallInteger()),
        sa.Column("body", text_c()),
        _created_at(),
        sa.PrimaryKeyConstraint("tenant_id", "user_id", "key", name="pk_idempotency_keys"),
        schema="core",
    )
    name = "ix_idempotency_keys_tenant_id_created_at"
    op.create_index(name, "idempotency_keys", ["tenant_id", "created_at"], schema="core")
    protect("core.idempotency_keys")


def _jobs() -> None:
    head, tail = mutable_columns()[:2], mutable_columns()[2:]
    op.create_table(
        "jobs",
        *head,
        sa.Column("kind", text_c(), nullable=False),
        sa.Column("state", text_c(), nullable=False, server_default=sa.text("'queued'")),
        sa.Column("done", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
        sa.Column("total", sa.BigInteger()),
        sa.Column("arguments", JSONB(), nullable=False, server_default=sa.text("'{}'")),
        sa.Column("result", JSONB()),
        sa.Column("problem", JSONB()),
        sa.Column("started_at", MOMENT),
        sa.Column("finished_at", MOMENT),
        sa.Column("heartbeat_at", MOMENT),
        *tail,
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_jobs"),
        schema="core",
    )
    op.create_index("ix_jobs_tenant_id_created_at_id", "jobs", ["tenant_id", "created_at", "id"], schema="core")
    op.create_index("ix_jobs_tenant_id_state_id", "jobs", ["tenant_id", "state", "id"], schema="core")
    protect("core.jobs")
    op.create_table(
        "job_inputs",
        *tenant_columns(),
        sa.Column("name", text_c(), nullable=False),
        sa.Column("media_type", text_c(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        _created_at(),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_job_inputs"),
        schema="core",
    )
    protect("core.job_inputs")


def _global_tables() -> None:
    op.create_table(
        "schedules",
        sa.Column("name", text_c(), nullable=False),
        sa.Column("last_fired_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_schedules"),
        schema="core",
    )
    open_table("core.schedules", app="SELECT, INSERT, UPDATE")
    op.create_table(
        "applied_revisions",
        sa.Column("slug", text_c(), nullable=False),
        sa.Column("revision", text_c(), nullable=False),
        sa.Column("down_revision", text_c()),
        sa.Column("file_name", text_c(), nullable=False),
        sa.Column("source", text_c(), nullable=False),
        sa.Column("sha256", text_c(), nullable=False),
        sa.Column("package_version", text_c(), nullable=False),
        _created_at("applied_at"),
        sa.PrimaryKeyConstraint("slug", "revision", name="pk_applied_revisions"),
        schema="core",
    )
    open_table("core.applied_revisions", app="SELECT")
