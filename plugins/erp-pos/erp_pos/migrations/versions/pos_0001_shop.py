"""The shop, its devices and its credit customers."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from erp_core.kernel.migrations.ops import create_schema, mutable_columns, protect, text_c

revision = "pos_0001"
down_revision = None
branch_labels = ("pos",)
depends_on = None

SCHEMA = "pos"


def upgrade() -> None:
    create_schema(SCHEMA)
    _shops()
    _devices()
    _credit_customers()


def downgrade() -> None:
    for table in ("credit_customers", "devices", "shops"):
        op.drop_table(table, schema=SCHEMA)


def _text(name: str, *, required: bool = False, default: str | None = None) -> sa.Column[Any]:
    server_default = None if default is None else sa.text(default)
    return sa.Column(name, text_c(), nullable=not required, server_default=server_default)


def _points(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", column],
        [f"{target}.tenant_id", f"{target}.id"],
        name=f"fk_{table}_tenant_id_{column}",
        ondelete="RESTRICT",
    )


def _indexes(table: str, *columns: str) -> None:
    for column in columns:
        op.create_index(f"ix_{table}_tenant_id_{column}_id", table, ["tenant_id", column, "id"], schema=SCHEMA)


def _shops() -> None:
    op.create_table(
        "shops",
        *mutable_columns(),
        _text("name", required=True),
        _text("tax_id"),
        _text("time_zone", required=True, default="'America/Mexico_City'"),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        _text("ticket_header"),
        _text("ticket_footer"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_shops"),
        _points("shops", "location_id", "inventory.locations"),
        schema=SCHEMA,
    )
    only_one = sa.text("archived_at IS NULL")
    op.create_index("uq_shops_tenant_id", "shops", ["tenant_id"], unique=True, schema=SCHEMA, postgresql_where=only_one)
    _indexes("shops", "created_at")
    protect("pos.shops")


def _devices() -> None:
    op.create_table(
        "devices",
        *mutable_columns(),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        _text("code", required=True),
        _text("name", required=True),
        _text("public_key", required=True),
        _text("state", required=True, default="'active'"),
        _text("printer_profile"),
        sa.Column("width_mm", sa.SmallInteger(), nullable=False, server_default=sa.text("58")),
        sa.Column("last_seq", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
        _text("last_hash"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_devices"),
        sa.UniqueConstraint("tenant_id", "code", name="uq_devices_tenant_id_code"),
        sa.UniqueConstraint("tenant_id", "public_key", name="uq_devices_tenant_id_public_key"),
        _points("devices", "shop_id", "pos.shops"),
        sa.CheckConstraint("state IN ('active', 'lost', 'retired')", name="ck_devices_state"),
        sa.CheckConstraint("width_mm IN (58, 80)", name="ck_devices_width_mm"),
        sa.CheckConstraint("last_seq >= 0 AND (last_seq = 0) = (last_hash IS NULL)", name="ck_devices_chain"),
        schema=SCHEMA,
    )
    _indexes("devices", "shop_id", "state", "created_at")
    protect("pos.devices")


def _credit_customers() -> None:
    key = "core.fold(coalesce(name, '') || ' ' || coalesce(phone, ''))"
    op.create_table(
        "credit_customers",
        *mutable_columns(),
        sa.Column("partner_id", sa.Uuid()),
        _text("name"),
        _text("phone"),
        sa.Column("credit_limit", sa.Numeric(18, 6), nullable=False, server_default=sa.text("0")),
        _text("currency", required=True, default="'MXN'"),
        _text("state", required=True, default="'active'"),
        _text("notes"),
        sa.Column("name_key", text_c(), sa.Computed(key, persisted=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_credit_customers"),
        sa.UniqueConstraint("tenant_id", "partner_id", name="uq_credit_customers_tenant_id_partner_id"),
        _points("credit_customers", "partner_id", "core.partners"),
        sa.CheckConstraint(
            "partner_id IS NOT NULL OR (name IS NOT NULL AND phone IS NOT NULL)", name="ck_credit_customers_named"
        ),
        sa.CheckConstraint("credit_limit >= 0", name="ck_credit_customers_credit_limit"),
        sa.CheckConstraint("state IN ('active', 'blocked', 'closed')", name="ck_credit_customers_state"),
        schema=SCHEMA,
    )
    _indexes("credit_customers", "name_key", "phone", "state", "created_at")
    protect("pos.credit_customers")
