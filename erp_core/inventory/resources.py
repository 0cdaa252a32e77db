"""What of stock the platform serves."""

from __future__ import annotations

from erp_core.inventory import rules, services
from erp_core.inventory.models import Balance, Location, Movement
from erp_core.inventory.schemas import LocationIn
from erp_core.kernel.plugins.manifest import Label
from erp_core.kernel.resources.declaration import READ_ONLY, Resource

# Where a location lies and what kind it is does not change: past movements would read differently.
locations = Resource(
    name="core.locations",
    model=Location,
    label=Label("Ubicación", "Location"),
    plural=Label("Ubicaciones", "Locations"),
    read=("code", "name", "kind", "parent_id", "may_go_negative"),
    create=LocationIn,
    fixed=("kind", "parent_id", "may_go_negative"),
    filters=("code", "kind", "parent_id"),
    sorts=("name", "code", "created_at"),
    sort_by={"name": "name_key"},
    default_sort="name",
    search="name_key",
    references={"parent_id": "core.locations"},
    lookups={"parent_id": "code"},
    prepare=rules.prepare_location,
    archive_with=services.archive_location,
)

movements = Resource(
    name="core.movements",
    model=Movement,
    label=Label("Movimiento de inventario", "Stock movement"),
    plural=Label("Movimientos de inventario", "Stock movements"),
    read=(
        "posting_id", "product_id", "from_location_id", "to_location_id", "quantity", "given_quantity", "given_unit_id",
        "moved_at", "reason", "document", "reverses_id", "created_by",
    ),
    filters=("product_id", "from_location_id", "to_location_id", "document", "posting_id", "moved_at"),
    sorts=("moved_at",),
    default_sort="-moved_at",
    references={
        "product_id": "core.products",
        "from_location_id": "core.locations",
        "to_location_id": "core.locations",
        "given_unit_id": "core.units",
        "reverses_id": "core.movements",
    },
    operations=READ_ONLY,
)  # fmt: skip

stock_levels = Resource(
    name="core.stock_levels",
    model=Balance,
    label=Label("Existencia", "Stock level"),
    plural=Label("Existencias", "Stock levels"),
    read=("location_id", "product_id", "on_hand", "reserved", "available", "updated_at"),
    filters=("location_id", "product_id"),
    sorts=("id",),
    default_sort="id",
    references={"location_id": "core.locations", "product_id": "core.products"},
    operations=READ_ONLY,
)

RESOURCES: tuple[Resource, ...] = (locations, movements, stock_levels)
