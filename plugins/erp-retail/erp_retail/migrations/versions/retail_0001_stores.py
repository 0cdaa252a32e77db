"""Stores and their tills."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from erp_core.kernel.migrations.ops import create_schema, mutable_columns, protect, text_c

revision = "retail_0001"
down_revision = None
branch_labels = ("retail",)
depends_on = None

SCHEMA = "retail"


def upgrade() -> None:
    create_schema(SCHEMA)
    _stores()
    _terminals()


def downgrade() -> None:
    for table in ("terminals", "stores"):
        op.drop_table(table, schema=SCHEMA)


def _text(name: str, *, default: str | None = None) -> sa.Column[Any]:
    server_default = None if default is None else sa.text(default)
    return sa.Column(name, text_c(), nullable=False, server_default=server_default)


def _index(table: str, *columns: str) -> None:
    names = ["tenant_id", *columns]
    op.create_index(f"ix_{table}_{'_'.join(names)}", table, names, schema=SCHEMA)


def _points(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", column],
        [f"{target}.tenant_id", f"{target}.id"],
        name=f"fk_{table}_tenant_id_{column}",
        ondelete="RESTRICT",
    )


def _stores() -> None:
    key = sa.Computed("core.fold(coalesce(name, '') || ' ' || coalesce(code, ''))", persisted=True)
    op.create_table(
        "stores",
        *mutable_columns(),
        _text("code"),
        _text("name"),
        _text("time_zone", default="'America/Mexico_City'"),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        _text("tax_zone", default="'general'"),
        sa.Column("name_key", text_c(), key, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_stores"),
        sa.UniqueConstraint("tenant_id", "code", name="uq_stores_tenant_id_code"),
        sa.UniqueConstraint("tenant_id", "location_id", name="uq_stores_tenant_id_location_id"),
        _points("stores", "location_id", "inventory.locations"),
        sa.CheckConstraint("tax_zone IN ('general', 'border')", name="ck_stores_tax_zone"),
        schema=SCHEMA,
    )
    for column in ("tax_zone", "name_key", "created_at"):
        _index("stores", column, "id")
    protect("retail.stores")


def _terminals() -> None:
    op.create_table(
        "terminals",
        *mutable_columns(),
        sa.Column("store_id", sa.Uuid(), nullable=False),
        _text("code"),
        _text("series"),
        _text("printer_profile", default="'80mm'"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_terminals"),
        sa.UniqueConstraint("tenant_id", "store_id", "code", name="uq_terminals_tenant_id_store_id_code"),
        sa.UniqueConstraint("tenant_id", "series", name="uq_terminals_tenant_id_series"),
        _points("terminals", "store_id", "retail.stores"),
        sa.CheckConstraint("printer_profile IN ('none', '58mm', '80mm', 'a4')", name="ck_terminals_printer_profile"),
        schema=SCHEMA,
    )
    for column in ("code", "created_at"):
        _index("terminals", column, "id")
    protect("retail.terminals")
