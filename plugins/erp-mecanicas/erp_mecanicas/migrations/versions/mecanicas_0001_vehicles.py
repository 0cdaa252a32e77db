"""Vehicles with their readings, and what is known of parts."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from erp_core.kernel.migrations.ops import create_schema, mutable_columns, protect, tenant_columns, text_c

revision = "mecanicas_0001"
down_revision = None
branch_labels = ("mecanicas",)
depends_on = None

METER = sa.Numeric(10, 1)
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    for schema in ("service_mgmt", "parts_mgmt", "vehicle_mgmt"):
        create_schema(schema)
    _vehicles()
    _readings()
    _part_profiles()


def downgrade() -> None:
    op.drop_table("part_profiles", schema="parts_mgmt")
    op.drop_table("readings", schema="vehicle_mgmt")
    op.drop_table("vehicles", schema="vehicle_mgmt")


def _text(name: str, *, required: bool = False, default: str | None = None) -> sa.Column[Any]:
    server_default = None if default is None else sa.text(default)
    return sa.Column(name, text_c(), nullable=not required, server_default=server_default)


def _flag(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.text("false"))


def _points(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", column],
        [f"{target}.tenant_id", f"{target}.id"],
        name=f"fk_{table}_tenant_id_{column}",
        ondelete="RESTRICT",
    )


def _index(schema: str, table: str, *columns: str) -> None:
    names = ["tenant_id", *columns, "id"]
    op.create_index(f"ix_{table}_{'_'.join(names)}", table, names, schema=schema)


def _vehicles() -> None:
    searched = ("make", "model", "plate", "fleet_number")
    joined = " || ' ' || ".join(f"coalesce({column}, '')" for column in searched)
    key = f"core.fold({joined})"
    op.create_table(
        "vehicles",
        *mutable_columns(),
        _text("vin"),
        _text("vin_check"),
        _text("plate"),
        _text("fleet_number"),
        _text("make", required=True),
        _text("model", required=True),
        sa.Column("year", sa.SmallInteger(), nullable=False),
        _text("fuel", required=True, default="'diesel'"),
        _text("axles"),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("name_key", text_c(), sa.Computed(key, persisted=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_vehicles"),
        sa.UniqueConstraint("tenant_id", "vin", name="uq_vehicles_tenant_id_vin"),
        _points("vehicles", "owner_id", "core.partners"),
        sa.CheckConstraint(
            "vin ~ '^[A-HJ-NPR-Z0-9]{1,17}$' AND (length(vin) = 17 OR year < 1981)", name="ck_vehicles_vin"
        ),
        sa.CheckConstraint("(vin IS NULL) = (vin_check IS NULL)", name="ck_vehicles_vin_checked"),
        sa.CheckConstraint("vin_check IN ('valid', 'doubtful', 'unchecked')", name="ck_vehicles_vin_check"),
        sa.CheckConstraint("year BETWEEN 1900 AND 2200", name="ck_vehicles_year"),
        sa.CheckConstraint(
            "fuel IN ('diesel', 'gasoline', 'natural_gas', 'lp_gas', 'electric', 'hybrid')", name="ck_vehicles_fuel"
        ),
        schema="vehicle_mgmt",
    )
    op.create_index(
        "uq_vehicles_tenant_id_plate",
        "vehicles",
        ["tenant_id", "plate"],
        unique=True,
        schema="vehicle_mgmt",
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    for column in ("plate", "fleet_number", "owner_id", "name_key", "created_at"):
        _index("vehicle_mgmt", "vehicles", column)
    protect("vehicle_mgmt.vehicles")


def _readings() -> None:
    op.create_table(
        "readings",
        *tenant_columns(),
        sa.Column("vehicle_id", sa.Uuid(), nullable=False),
        sa.Column("km", METER),
        sa.Column("hours", METER),
        sa.Column("taken_at", MOMENT, nullable=False),
        _text("source", required=True),
        _flag("meter_replaced"),
        _text("reason"),
        sa.Column("created_at", MOMENT, nullable=False, server_default=sa.text("now()")),
        sa.Column("created_by", sa.Uuid()),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_readings"),
        _points("readings", "vehicle_id", "vehicle_mgmt.vehicles"),
        sa.CheckConstraint("km IS NOT NULL OR hours IS NOT NULL", name="ck_readings_meter"),
        sa.CheckConstraint("km >= 0 AND hours >= 0", name="ck_readings_not_negative"),
        sa.CheckConstraint("source IN ('reception', 'driver', 'telematics', 'correction')", name="ck_readings_source"),
        sa.CheckConstraint(
            "reason IS NOT NULL OR NOT (meter_replaced OR source = 'correction')", name="ck_readings_reason"
        ),
        schema="vehicle_mgmt",
    )
    _index("vehicle_mgmt", "readings", "vehicle_id", "taken_at")
    _index("vehicle_mgmt", "readings", "taken_at")
    _index("vehicle_mgmt", "readings", "created_at")
    protect("vehicle_mgmt.readings", append_only=True)


def _part_profiles() -> None:
    key = "upper(replace(replace(oem_number, ' ', ''), '-', ''))"
    op.create_table(
        "part_profiles",
        *mutable_columns(),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        _text("oem_number", required=True),
        _text("maker"),
        _text("engine_families"),
        _flag("core_required"),
        sa.Column("deposit_amount", sa.Numeric(18, 6), nullable=False, server_default=sa.text("0")),
        _text("currency", required=True, default="'MXN'"),
        sa.Column("days_to_return", sa.SmallInteger(), nullable=False, server_default=sa.text("30")),
        _flag("serial_tracked"),
        sa.Column("number_key", text_c(), sa.Computed(key, persisted=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_part_profiles"),
        sa.UniqueConstraint("tenant_id", "product_id", name="uq_part_profiles_tenant_id_product_id"),
        _points("part_profiles", "product_id", "core.products"),
        sa.CheckConstraint("number_key <> ''", name="ck_part_profiles_number_key"),
        sa.CheckConstraint("deposit_amount >= 0", name="ck_part_profiles_deposit_amount"),
        sa.CheckConstraint("core_required OR deposit_amount = 0", name="ck_part_profiles_deposit_needs_core"),
        sa.CheckConstraint("days_to_return BETWEEN 1 AND 365", name="ck_part_profiles_days_to_return"),
        schema="parts_mgmt",
    )
    _index("parts_mgmt", "part_profiles", "number_key")
    _index("parts_mgmt", "part_profiles", "created_at")
    protect("parts_mgmt.part_profiles")
