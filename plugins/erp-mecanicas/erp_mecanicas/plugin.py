"""Diesel workshops and laboratories (taller diésel): the manifest and every hook of the package."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from erp_core.kernel.plugins.declarations import DemoStep, RoleTemplate
from erp_core.kernel.plugins.manifest import Label, Manifest
from erp_core.kernel.plugins.specs import hookimpl
from erp_mecanicas import demo as demo_data
from erp_mecanicas.parts_mgmt import resources as part_resources
from erp_mecanicas.parts_mgmt import routes as part_routes
from erp_mecanicas.vehicle_mgmt import resources as vehicle_resources
from erp_mecanicas.vehicle_mgmt import routes as vehicle_routes

if TYPE_CHECKING:
    from erp_core.kernel.http.everyday import EverydayRoute
    from erp_core.kernel.http.routing import Route
    from erp_core.kernel.resources.declaration import Resource

_VEHICLES = (
    "mecanicas.vehicles.read",
    "mecanicas.vehicles.decode",
    "mecanicas.readings.read",
    "mecanicas.readings.create",
)
_CORE = ("core.partners.read", "core.products.read")

manifest = Manifest(
    slug="mecanicas",
    package="erp_mecanicas",
    label=Label("Taller diésel", "Diesel workshop"),
    version="0.1.0",
    core=">=0.1,<0.2",
    api_port=3041,
    web_port=3040,
    schemas=("service_mgmt", "parts_mgmt", "vehicle_mgmt"),
    redis_db=2,
    uses=("auth", "core.partners", "core.products", "inventory"),
)


@hookimpl
def resources() -> Sequence[Resource]:
    return (*vehicle_resources.RESOURCES, *part_resources.RESOURCES)


@hookimpl
def routes() -> Sequence[Route | EverydayRoute]:
    return (*vehicle_routes.ROUTES, *part_routes.ROUTES)


@hookimpl
def roles() -> Sequence[RoleTemplate]:
    return (
        RoleTemplate(
            "head", Label("Jefe de taller", "Head of workshop"), ("mecanicas.*", "core.partners.*", "core.products.*")
        ),
        RoleTemplate(
            "adviser",
            Label("Asesor de servicio", "Service adviser"),
            (
                *_VEHICLES,
                "mecanicas.vehicles.create",
                "mecanicas.vehicles.update",
                "mecanicas.part_profiles.read",
                *_CORE,
                "core.partners.create",
            ),
        ),
        RoleTemplate(
            "technician", Label("Técnico", "Technician"), (*_VEHICLES, "mecanicas.part_profiles.read", *_CORE)
        ),
        RoleTemplate(
            "parts",
            Label("Mostrador de refacciones", "Parts counter"),
            ("mecanicas.part_profiles.*", "mecanicas.vehicles.read", *_CORE),
        ),
    )


@hookimpl
def demo() -> Sequence[DemoStep]:
    return demo_data.STEPS
