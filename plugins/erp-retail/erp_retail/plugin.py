"""The table of contents of erp-retail: its manifest and its hooks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from erp_core.kernel.plugins.manifest import Label, Manifest
from erp_core.kernel.plugins.specs import hookimpl
from erp_retail import demo as demo_data
from erp_retail.pos import resources as pos_resources
from erp_retail.pos import routes as pos_routes
from erp_retail.pos import services as pos_services
from erp_retail.roles import ROLES

if TYPE_CHECKING:
    from uuid import UUID

    from erp_core.kernel.context import Context
    from erp_core.kernel.http.everyday import EverydayRoute
    from erp_core.kernel.http.routing import Route
    from erp_core.kernel.plugins.declarations import DemoStep, RoleTemplate
    from erp_core.kernel.resources.declaration import Resource

manifest = Manifest(
    slug="retail",
    package="erp_retail",
    label=Label("Tiendas", "Retail"),
    version="0.1.0",
    core=">=0.1,<0.2",
    api_port=3051,
    web_port=3050,
    schemas=("retail",),
    redis_db=3,
    uses=("auth", "core.products", "core.partners", "inventory"),
)


@hookimpl
def resources() -> Sequence[Resource]:
    return pos_resources.RESOURCES


@hookimpl
def routes() -> Sequence[Route | EverydayRoute]:
    return pos_routes.ROUTES


@hookimpl
def roles() -> Sequence[RoleTemplate]:
    return ROLES


@hookimpl
def demo() -> Sequence[DemoStep]:
    return demo_data.STEPS


@hookimpl
def about_to_archive(ctx: Context, resource: str, object_id: UUID) -> None:
    if resource == pos_resources.stores.name:
        pos_services.refuse_store_in_use(ctx, object_id)
