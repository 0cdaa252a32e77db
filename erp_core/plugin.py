"""The core's own manifest and hooks: it is a package like any other, and the first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from erp_core import core_demo, core_roles
from erp_core.auth import routes as auth_routes
from erp_core.auth import well_known
from erp_core.inventory import resources as inventory_resources
from erp_core.inventory import routes as inventory_routes
from erp_core.inventory import services as inventory_services
from erp_core.kernel.plugins.declarations import DemoStep, RoleTemplate
from erp_core.kernel.plugins.manifest import Label, Manifest
from erp_core.kernel.plugins.specs import hookimpl
from erp_core.kernel.tasks import routes as job_routes
from erp_core.partners import resources as partner_resources
from erp_core.partners import routes as partner_routes
from erp_core.products import resources as product_resources
from erp_core.products import services as product_services

if TYPE_CHECKING:
    from erp_core.kernel.context import Context
    from erp_core.kernel.http.everyday import EverydayRoute
    from erp_core.kernel.http.routing import Route
    from erp_core.kernel.resources.declaration import Resource

VERSION = "0.1.0"

manifest = Manifest(
    slug="core",
    package="erp_core",
    label=Label("Núcleo", "Core"),
    version=VERSION,
    core=f"=={VERSION}",
    api_port=3011,
    web_port=3010,
    schemas=("core", "auth", "inventory"),
    redis_db=0,
)


@hookimpl
def resources() -> Sequence[Resource]:
    return (*partner_resources.RESOURCES, *product_resources.RESOURCES, *inventory_resources.RESOURCES)


@hookimpl
def routes() -> Sequence[Route | EverydayRoute]:
    return (
        *auth_routes.ROUTES,
        *well_known.ROUTES,
        *partner_routes.ROUTES,
        *inventory_routes.ROUTES,
        *job_routes.ROUTES,
    )


@hookimpl
def roles() -> Sequence[RoleTemplate]:
    return core_roles.ROLES


@hookimpl
def demo() -> Sequence[DemoStep]:
    return core_demo.STEPS


@hookimpl
def tenant_created(ctx: Context) -> None:
    product_services.seed_units(ctx)
    inventory_services.seed_locations(ctx)


@hookimpl
def about_to_archive(ctx: Context, resource: str, object_id: UUID) -> None:
    if resource == "core.products":
        inventory_services.refuse_product_in_stock(ctx, object_id)
