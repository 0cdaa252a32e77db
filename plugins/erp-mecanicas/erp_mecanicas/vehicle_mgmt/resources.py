"""What of vehicles the platform serves."""

from __future__ import annotations

from erp_core.kernel.plugins.manifest import Label
from erp_core.kernel.resources.declaration import READ_ONLY, Resource
from erp_mecanicas.vehicle_mgmt import rules
from erp_mecanicas.vehicle_mgmt.models import Reading, Vehicle
from erp_mecanicas.vehicle_mgmt.schemas import VehicleIn

vehicles = Resource(
    name="mecanicas.vehicles",
    model=Vehicle,
    label=Label("Vehículo", "Vehicle"),
    plural=Label("Vehículos", "Vehicles"),
    read=("vin", "vin_check", "plate", "fleet_number", "make", "model", "year", "fuel", "axles", "owner_id"),
    create=VehicleIn,
    filters=("vin", "plate", "fleet_number", "owner_id"),
    sorts=("make", "created_at"),
    sort_by={"make": "name_key"},
    default_sort="make",
    search="name_key",
    references={"owner_id": "core.partners"},
    lookups={"owner_id": "code"},
    prepare=rules.prepare_vehicle,
)

readings = Resource(
    name="mecanicas.readings",
    model=Reading,
    label=Label("Lectura", "Reading"),
    plural=Label("Lecturas", "Readings"),
    read=("vehicle_id", "km", "hours", "taken_at", "source", "meter_replaced", "reason", "created_by"),
    filters=("vehicle_id", "taken_at"),
    sorts=("taken_at", "created_at"),
    default_sort="-taken_at",
    references={"vehicle_id": "mecanicas.vehicles"},
    operations=READ_ONLY,
)

RESOURCES: tuple[Resource, ...] = (vehicles, readings)
