"""Glass types, price lists and their rules."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ExcludeConstraint

from erp_core.kernel.migrations.ops import create_schema, mutable_columns, protect, text_c

revision = "vidrio_0001"
down_revision = None
branch_labels = ("vidrio",)
depends_on = None

SCHEMA = "vidrio"
NUMBER = sa.Numeric(18, 6)


def upgrade() -> None:
    create_schema(SCHEMA)
    _glass_types()
    _price_lists()
    _price_rules()


def downgrade() -> None:
    for table in ("price_rules", "price_lists", "glass_types"):
        op.drop_table(table, schema=SCHEMA)


def _text(name: str, *, default: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, text_c(), nullable=False, server_default=None if default is None else sa.text(default))


def _number(name: str, *, default: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, NUMBER, nullable=False, server_default=None if default is None else sa.text(default))


def _name_key() -> sa.Column[Any]:
    key = "core.fold(coalesce(name, '') || ' ' || coalesce(code, ''))"
    return sa.Column("name_key", text_c(), sa.Computed(key, persisted=True), nullable=False)


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


def _glass_types() -> None:
    op.create_table(
        "glass_types",
        *mutable_columns(),
        _text("code"),
        _text("name"),
        _text("family"),
        sa.Column("thickness_mm", sa.SmallInteger(), nullable=False),
        sa.Column("product_id", sa.Uuid()),
        sa.Column("temperable", sa.Boolean(), nullable=False, server_default=sa.text("true")),
        _name_key(),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_glass_types"),
        sa.UniqueConstraint("tenant_id", "code", name="uq_glass_types_tenant_id_code"),
        _points("glass_types", "product_id", "core.products"),
        sa.CheckConstraint(
            "family IN ('clear', 'extra_clear', 'tinted', 'reflective', 'low_e', 'satin', 'patterned', 'mirror')",
            name="ck_glass_types_family",
        ),
        sa.CheckConstraint("thickness_mm IN (3, 4, 5, 6, 8, 10, 12, 15, 19)", name="ck_glass_types_thickness_mm"),
        schema=SCHEMA,
    )
    op.create_index(
        "uq_glass_types_tenant_id_family_thickness_mm",
        "glass_types",
        ["tenant_id", "family", "thickness_mm"],
        unique=True,
        schema=SCHEMA,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    _indexes("glass_types", "family", "thickness_mm", "product_id", "name_key", "created_at")
    protect("vidrio.glass_types")


def _price_lists() -> None:
    op.create_table(
        "price_lists",
        *mutable_columns(),
        _text("code"),
        _text("name"),
        _text("currency", default="'MXN'"),
        _number("tax_pct"),
        _name_key(),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_price_lists"),
        sa.UniqueConstraint("tenant_id", "code", name="uq_price_lists_tenant_id_code"),
        sa.CheckConstraint("tax_pct BETWEEN 0 AND 100", name="ck_price_lists_tax_pct"),
        schema=SCHEMA,
    )
    _indexes("price_lists", "name_key", "created_at")
    protect("vidrio.price_lists")


def _price_rules() -> None:
    op.create_table(
        "price_rules",
        *mutable_columns(),
        sa.Column("price_list_id", sa.Uuid(), nullable=False),
        sa.Column("glass_type_id", sa.Uuid(), nullable=False),
        _number("rate_m2"),
        sa.Column("size_step_mm", sa.SmallInteger(), nullable=False, server_default=sa.text("1")),
        _number("minimum_m2", default="0"),
        _number("edge_rate_m", default="0"),
        _number("hole_rate", default="0"),
        _number("notch_rate", default="0"),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date()),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_price_rules"),
        _points("price_rules", "price_list_id", "vidrio.price_lists"),
        _points("price_rules", "glass_type_id", "vidrio.glass_types"),
        sa.CheckConstraint("size_step_mm BETWEEN 1 AND 500", name="ck_price_rules_size_step_mm"),
        sa.CheckConstraint("minimum_m2 BETWEEN 0 AND 20", name="ck_price_rules_minimum_m2"),
        sa.CheckConstraint(
            "rate_m2 >= 0 AND edge_rate_m >= 0 AND hole_rate >= 0 AND notch_rate >= 0", name="ck_price_rules_rates"
        ),
        sa.CheckConstraint("valid_to >= valid_from", name="ck_price_rules_valid_to"),
        ExcludeConstraint(
            ("tenant_id", "="),
            ("price_list_id", "="),
            ("glass_type_id", "="),
            (sa.text("daterange(valid_from, valid_to, '[]')"), "&&"),
            using="gist",
            where=sa.text("archived_at IS NULL"),
            name="ex_price_rules_validity",
        ),
        schema=SCHEMA,
    )
    _indexes("price_rules", "price_list_id", "glass_type_id", "valid_from", "created_at")
    protect("vidrio.price_rules")
