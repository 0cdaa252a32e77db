"""Categories, units of measure and products."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from erp_core.kernel.migrations.ops import mutable_columns, protect, text_c

revision = "core_0004"
down_revision = "core_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _categories()
    _units()
    _products()


def downgrade() -> None:
    for table in ("products", "units", "categories"):
        op.drop_table(table, schema="core")


def _text(name: str, *, required: bool = False, default: str | None = None) -> sa.Column[Any]:
    server_default = None if default is None else sa.text(default)
    return sa.Column(name, text_c(), nullable=not required, server_default=server_default)


def _key(*columns: str) -> sa.Column[Any]:
    joined = " || ' ' || ".join(f"coalesce({column}, '')" for column in columns)
    return sa.Column("name_key", text_c(), sa.Computed(f"core.fold({joined})", persisted=True), nullable=False)


def _index(table: str, *columns: str) -> None:
    names = ["tenant_id", *columns]
    op.create_index(f"ix_{table}_{'_'.join(names)}", table, names, schema="core")


def _points(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", column],
        [f"{target}.tenant_id", f"{target}.id"],
        name=f"fk_{table}_tenant_id_{column}",
        ondelete="RESTRICT",
    )


def _categories() -> None:
    op.create_table(
        "categories",
        *mutable_columns(),
        _text("code", required=True),
        _text("name", required=True),
        sa.Column("parent_id", sa.Uuid()),
        _key("name", "code"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_categories"),
        sa.UniqueConstraint("tenant_id", "code", name="uq_categories_tenant_id_code"),
        _points("categories", "parent_id", "core.categories"),
        sa.CheckConstraint("parent_id <> id", name="ck_categories_parent"),
        schema="core",
    )
    for column in ("parent_id", "name_key", "created_at"):
        _index("categories", column, "id")
    protect("core.categories")


def _units() -> None:
    dimensions = "dimension IN ('count', 'length', 'area', 'volume', 'mass', 'time')"
    op.create_table(
        "units",
        *mutable_columns(),
        _text("code", required=True),
        _text("name", required=True),
        _text("name_en", required=True),
        _text("dimension", required=True),
        sa.Column("numerator", sa.BigInteger(), nullable=False),
        sa.Column("denominator", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_units"),
        sa.UniqueConstraint("tenant_id", "code", name="uq_units_tenant_id_code"),
        sa.CheckConstraint(dimensions, name="ck_units_dimension"),
        sa.CheckConstraint("numerator > 0 AND denominator > 0", name="ck_units_factor"),
        schema="core",
    )
    for column in ("dimension", "created_at"):
        _index("units", column, "id")
    protect("core.units")


def _products() -> None:
    op.create_table(
        "products",
        *mutable_columns(),
        _text("sku", required=True),
        _text("name", required=True),
        _text("description"),
        _text("kind", required=True),
        sa.Column("category_id", sa.Uuid()),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        _text("barcode"),
        sa.Column("list_price", sa.Numeric(18, 6), nullable=False, server_default=sa.text("0")),
        _text("currency", required=True, default="'MXN'"),
        _text("tax_code"),
        sa.Column("tracked", sa.Boolean(), nullable=False, server_default=sa.text("true")),
        _key("name", "sku", "barcode"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_products"),
        sa.UniqueConstraint("tenant_id", "sku", name="uq_products_tenant_id_sku"),
        sa.UniqueConstraint("tenant_id", "barcode", name="uq_products_tenant_id_barcode"),
        _points("products", "category_id", "core.categories"),
        _points("products", "unit_id", "core.units"),
        sa.CheckConstraint("kind IN ('goods', 'service', 'consumable')", name="ck_products_kind"),
        sa.CheckConstraint("kind <> 'service' OR NOT tracked", name="ck_products_tracked"),
        sa.CheckConstraint("list_price >= 0", name="ck_products_list_price"),
        schema="core",
    )
    for column in ("name_key", "category_id", "unit_id", "created_at"):
        _index("products", column, "id")
    protect("core.products")
