"""Locations, stock movements and balances."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from erp_core.kernel.migrations.ops import mutable_columns, protect, tenant_columns, text_c

revision = "core_0005"
down_revision = "core_0004"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
QUANTITY = sa.Numeric(18, 6)

# A function, so that the names are looked up only when a posting is refused and cost the others nothing.
REFUSE_SHORTAGE = """
CREATE FUNCTION inventory.refuse_shortage(
    tenant uuid, location uuid, product uuid, available numeric, requested numeric)
RETURNS boolean LANGUAGE plpgsql VOLATILE SECURITY INVOKER SET search_path = pg_catalog
AS $$ BEGIN
    RETURN core.refuse('insufficient_stock', jsonb_build_object(
        'location_id', location, 'product_id', product,
        'location', (SELECT l.code FROM inventory.locations l WHERE l.tenant_id = tenant AND l.id = location),
        'product', (SELECT p.sku FROM core.products p WHERE p.tenant_id = tenant AND p.id = product),
        'unit', (SELECT u.code FROM core.products p JOIN core.units u ON u.tenant_id = p.tenant_id AND u.id = p.unit_id
                 WHERE p.tenant_id = tenant AND p.id = product),
        'available', trim_scale(available)::text, 'requested', trim_scale(requested)::text));
END $$
"""
SIGNATURE = "inventory.refuse_shortage(uuid, uuid, uuid, numeric, numeric)"


def upgrade() -> None:
    _locations()
    _movements()
    _balances()
    op.execute(REFUSE_SHORTAGE)
    op.execute(f"GRANT EXECUTE ON FUNCTION {SIGNATURE} TO PUBLIC")


def downgrade() -> None:
    op.execute(f"DROP FUNCTION {SIGNATURE}")
    for table in ("balances", "movements", "locations"):
        op.drop_table(table, schema="inventory")


def _text(name: str, *, required: bool = False) -> sa.Column[Any]:
    return sa.Column(name, text_c(), nullable=not required)


def _id(name: str, *, required: bool = True) -> sa.Column[Any]:
    return sa.Column(name, sa.Uuid(), nullable=not required)


def _now(name: str) -> sa.Column[Any]:
    return sa.Column(name, MOMENT, nullable=False, server_default=sa.text("now()"))


def _index(table: str, *columns: str) -> None:
    names = ["tenant_id", *columns]
    op.create_index(f"ix_{table}_{'_'.join(names)}", table, names, schema="inventory")


def _points(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", column],
        [f"{target}.tenant_id", f"{target}.id"],
        name=f"fk_{table}_tenant_id_{column}",
        ondelete="RESTRICT",
    )


def _locations() -> None:
    kinds = "kind IN ('internal', 'supplier', 'customer', 'loss', 'production', 'transit')"
    key = "core.fold(coalesce(name, '') || ' ' || coalesce(code, ''))"
    op.create_table(
        "locations",
        *mutable_columns(),
        _text("code", required=True),
        _text("name", required=True),
        _text("kind", required=True),
        _id("parent_id", required=False),
        sa.Column("may_go_negative", sa.Boolean(), nullable=False, server_default=sa.text("false")),
        sa.Column("name_key", text_c(), sa.Computed(key, persisted=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_locations"),
        sa.UniqueConstraint("tenant_id", "code", name="uq_locations_tenant_id_code"),
        sa.UniqueConstraint("tenant_id", "id", "may_go_negative", name="uq_locations_tenant_id_id_may_go_negative"),
        _points("locations", "parent_id", "inventory.locations"),
        sa.CheckConstraint("parent_id <> id", name="ck_locations_parent"),
        sa.CheckConstraint(kinds, name="ck_locations_kind"),
        sa.CheckConstraint("may_go_negative OR kind IN ('internal', 'transit')", name="ck_locations_virtual"),
        schema="inventory",
    )
    for column in ("kind", "parent_id", "name_key", "created_at"):
        _index("locations", column, "id")
    protect("inventory.locations")


def _movements() -> None:
    op.create_table(
        "movements",
        *tenant_columns(),
        _id("posting_id"),
        _id("product_id"),
        _id("from_location_id"),
        _id("to_location_id"),
        sa.Column("quantity", QUANTITY, nullable=False),
        sa.Column("given_quantity", QUANTITY),
        _id("given_unit_id", required=False),
        sa.Column("moved_at", MOMENT, nullable=False),
        _text("reason"),
        _text("document"),
        _id("reverses_id", required=False),
        _now("created_at"),
        _id("created_by", required=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_movements"),
        _points("movements", "product_id", "core.products"),
        _points("movements", "from_location_id", "inventory.locations"),
        _points("movements", "to_location_id", "inventory.locations"),
        _points("movements", "given_unit_id", "core.units"),
        _points("movements", "reverses_id", "inventory.movements"),
        sa.CheckConstraint("quantity > 0", name="ck_movements_quantity"),
        sa.CheckConstraint("from_location_id <> to_location_id", name="ck_movements_locations"),
        sa.CheckConstraint("(given_unit_id IS NULL) = (given_quantity IS NULL)", name="ck_movements_given"),
        schema="inventory",
    )
    _index("movements", "moved_at", "id")
    for column in ("product_id", "from_location_id", "to_location_id"):
        _index("movements", column, "moved_at", "id")
    _index("movements", "posting_id", "id")
    _partial_indexes()
    protect("inventory.movements", append_only=True)


def _partial_indexes() -> None:
    op.create_index(
        "ix_movements_tenant_id_document",
        "movements",
        ["tenant_id", "document", "id"],
        schema="inventory",
        postgresql_where=sa.text("document IS NOT NULL"),
    )
    op.create_index(
        "uq_movements_tenant_id_reverses_id",
        "movements",
        ["tenant_id", "reverses_id"],
        unique=True,
        schema="inventory",
        postgresql_where=sa.text("reverses_id IS NOT NULL"),
    )


def _balances() -> None:
    op.create_table(
        "balances",
        *tenant_columns(),
        _id("location_id"),
        _id("product_id"),
        sa.Column("on_hand", QUANTITY, nullable=False, server_default=sa.text("0")),
        sa.Column("reserved", QUANTITY, nullable=False, server_default=sa.text("0")),
        sa.Column("available", QUANTITY, sa.Computed("on_hand - reserved", persisted=True), nullable=False),
        sa.Column("may_go_negative", sa.Boolean(), nullable=False),
        _now("updated_at"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_balances"),
        sa.UniqueConstraint(
            "tenant_id", "location_id", "product_id", name="uq_balances_tenant_id_location_id_product_id"
        ),
        _points("balances", "product_id", "core.products"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "location_id", "may_go_negative"],
            ["inventory.locations.tenant_id", "inventory.locations.id", "inventory.locations.may_go_negative"],
            name="fk_balances_tenant_id_location_id_may_go_negative",
            ondelete="RESTRICT",
        ),
        sa.CheckConstraint("may_go_negative OR on_hand >= reserved", name="ck_balances_on_hand"),
        sa.CheckConstraint("reserved >= 0", name="ck_balances_reserved"),
        schema="inventory",
        postgresql_with={"fillfactor": "80"},
    )
    _index("balances", "location_id", "id")
    _index("balances", "product_id", "id")
    protect("inventory.balances")
