"""A small true-to-life data set: the trucks of a builder of houses and the parts they need."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from msgspec import to_builtins
from sqlalchemy import TableClause, Uuid, column, insert, select, table

from erp_core.kernel.context import Context
from erp_core.kernel.ids import new_id
from erp_core.kernel.plugins.declarations import DemoStep
from erp_core.kernel.plugins.manifest import Label
from erp_core.products.services import seed_units
from erp_mecanicas.codes.vin import with_check_digit
from erp_mecanicas.parts_mgmt.models import PartProfile
from erp_mecanicas.vehicle_mgmt.models import Vehicle
from erp_mecanicas.vehicle_mgmt.schemas import ReadingIn
from erp_mecanicas.vehicle_mgmt.services import take_reading

OWNER = "FLOTA-PROPIA"
# Fleet number, VIN without its check digit, plate, make, model, year, axles, kilometres, engine hours.
TRUCKS = (
    ("T-01", "3AKJHHDR0JS000001", "LC12345", "Freightliner", "Cascadia", 2018, "6x4", "412350.0", "9120.5"),
    ("T-02", "3WKYD49X0KF700112", "LC12346", "Kenworth", "T680", 2019, "6x4", "318904.0", "7410.0"),
    ("R-03", "3HSDJAPR0CN123456", "LC98107", "International", "ProStar", 2012, "4x2", "688120.0", "15230.0"),
)
# SKU, name, maker's number, maker, core deposit.
PARTS = (
    ("INY-DD15", "Inyector DD15 remanufacturado", "RA-472-070-08-87", "Detroit", "4000.00"),
    ("TURBO-ISX", "Turbo ISX remanufacturado", "4955 8-23", "Cummins", "6500.00"),
    ("FILTRO-LF17556", "Filtro de aceite", "LF17556", "Fleetguard", "0"),
)
# The core's models are its own; these name just the columns that a demo needs of its tables.
PARTNERS = table(
    "partners",
    column("tenant_id", Uuid),
    column("id", Uuid),
    column("code"),
    column("name"),
    column("kind"),
    column("is_customer"),
    schema="core",
)
PRODUCTS = table(
    "products",
    column("tenant_id", Uuid),
    column("id", Uuid),
    column("sku"),
    column("name"),
    column("kind"),
    column("unit_id", Uuid),
    schema="core",
)
READ_AT = datetime(2026, 11, 2, 15, 0, tzinfo=UTC)


def load_trucks(ctx: Context) -> None:
    """Load the company's own trucks, each with its first reading."""
    known = set(ctx.session.scalars(select(Vehicle.fleet_number).where(Vehicle.tenant_id == ctx.tenant_id)))
    owner = _owner(ctx)
    for number, vin, plate, make, model, year, axles, km, hours in TRUCKS:
        if number in known:
            continue
        truck = Vehicle(
            tenant_id=ctx.tenant_id,
            id=new_id(),
            vin=with_check_digit(vin),
            vin_check="valid",
            plate=plate,
            fleet_number=number,
            make=make,
            model=model,
            year=year,
            axles=axles,
            owner_id=owner,
        )
        ctx.session.add(truck)
        ctx.session.flush()
        take_reading(ctx, truck.id, ReadingIn(km=Decimal(km), hours=Decimal(hours), taken_at=READ_AT))


def load_parts(ctx: Context) -> None:
    """Load the parts, as products of the core with what the workshop knows of them beside."""
    known = set(ctx.session.scalars(select(PartProfile.product_id).where(PartProfile.tenant_id == ctx.tenant_id)))
    piece = seed_units(ctx)["PZA"]
    for sku, name, number, maker, deposit in PARTS:
        product = _product(ctx, sku, name, piece)
        if product not in known:
            ctx.session.add(
                PartProfile(
                    tenant_id=ctx.tenant_id,
                    id=new_id(),
                    product_id=product,
                    oem_number=number,
                    maker=maker,
                    core_required=Decimal(deposit) > 0,
                    deposit_amount=Decimal(deposit),
                )
            )


def _owner(ctx: Context) -> UUID:
    facts = {"name": "Flota de la empresa", "kind": "company", "is_customer": True}
    return _found_or_added(ctx, "core.partners", PARTNERS, "code", OWNER, facts)


def _product(ctx: Context, sku: str, name: str, unit: UUID) -> UUID:
    return _found_or_added(ctx, "core.products", PRODUCTS, "sku", sku, {"name": name, "kind": "goods", "unit_id": unit})


def _found_or_added(
    ctx: Context, resource: str, target: TableClause, key: str, value: str, facts: dict[str, Any]
) -> UUID:
    """Find one of the core's rows by its natural key, or add it and note that in the audit."""
    wanted = select(target.c.id).where(target.c.tenant_id == ctx.tenant_id, target.c[key] == value)
    found: UUID | None = ctx.session.scalar(wanted)
    if found is None:
        found = new_id()
        row = {key: value, **facts}
        ctx.session.execute(insert(target).values(tenant_id=ctx.tenant_id, id=found, **row))
        ctx.audit(resource, found, "create", None, to_builtins(row))
    return found


STEPS: tuple[DemoStep, ...] = (
    DemoStep(Label("Camiones y lecturas", "Trucks and readings"), "constructora-del-valle", load_trucks),
    DemoStep(Label("Refacciones y cascos", "Parts and core deposits"), "constructora-del-valle", load_parts),
)
