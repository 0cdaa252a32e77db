"""The tables of vehicles, in the schema ``vehicle_mgmt``."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Numeric, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from erp_core.kernel.database.model import MutableRow, TenantRow, folded, reference

Meter = Numeric(10, 1)


class Vehicle(MutableRow):
    """A truck, bus or machine that comes to the workshop (vehículo, unidad).

    ``vin_check`` is valid, doubtful (the check digit does not hold) or unchecked (made before 1981).
    """

    __tablename__ = "vehicles"
    # The schema is not the package's slug, so the audit is told what the API calls it.
    __resource__ = "mecanicas.vehicles"
    __table_args__ = (
        UniqueConstraint("tenant_id", "vin"),
        reference("owner_id", "core.partners"),
        CheckConstraint("vin ~ '^[A-HJ-NPR-Z0-9]{1,17}$' AND (length(vin) = 17 OR year < 1981)", name="vin"),
        CheckConstraint("(vin IS NULL) = (vin_check IS NULL)", name="vin_checked"),
        CheckConstraint("vin_check IN ('valid', 'doubtful', 'unchecked')", name="vin_check"),
        CheckConstraint("year BETWEEN 1900 AND 2200", name="year"),
        CheckConstraint("fuel IN ('diesel', 'gasoline', 'natural_gas', 'lp_gas', 'electric', 'hybrid')", name="fuel"),
        Index(
            "uq_vehicles_tenant_id_plate",
            "tenant_id",
            "plate",
            unique=True,
            postgresql_where=text("archived_at IS NULL"),
        ),
        Index(None, "tenant_id", "plate", "id"),
        Index(None, "tenant_id", "fleet_number", "id"),
        Index(None, "tenant_id", "owner_id", "id"),
        Index(None, "tenant_id", "name_key", "id"),
        Index(None, "tenant_id", "created_at", "id"),
        {"schema": "vehicle_mgmt"},
    )

    vin: Mapped[str | None]
    vin_check: Mapped[str | None]
    plate: Mapped[str | None]
    fleet_number: Mapped[str | None]
    make: Mapped[str]
    model: Mapped[str]
    year: Mapped[int] = mapped_column(SmallInteger)
    fuel: Mapped[str] = mapped_column(server_default=text("'diesel'"))
    axles: Mapped[str | None]
    owner_id: Mapped[UUID]
    name_key: Mapped[str] = mapped_column(folded("make", "model", "plate", "fleet_number"))


class Reading(TenantRow):
    """What a vehicle's meters said at one moment (lectura); append only, corrected by another reading."""

    __tablename__ = "readings"
    __table_args__ = (
        reference("vehicle_id", "vehicle_mgmt.vehicles"),
        CheckConstraint("km IS NOT NULL OR hours IS NOT NULL", name="meter"),
        CheckConstraint("km >= 0 AND hours >= 0", name="not_negative"),
        CheckConstraint("source IN ('reception', 'driver', 'telematics', 'correction')", name="source"),
        CheckConstraint("reason IS NOT NULL OR NOT (meter_replaced OR source = 'correction')", name="reason"),
        Index(None, "tenant_id", "vehicle_id", "taken_at", "id"),
        Index(None, "tenant_id", "taken_at", "id"),
        Index(None, "tenant_id", "created_at", "id"),
        {"schema": "vehicle_mgmt"},
    )

    vehicle_id: Mapped[UUID]
    km: Mapped[Decimal | None] = mapped_column(Meter)
    hours: Mapped[Decimal | None] = mapped_column(Meter)
    taken_at: Mapped[datetime]
    source: Mapped[str]
    meter_replaced: Mapped[bool] = mapped_column(server_default=text("false"))
    reason: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    created_by: Mapped[UUID | None]
