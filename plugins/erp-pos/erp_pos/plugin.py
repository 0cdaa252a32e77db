"""The corner shop, with or without internet (tiendita): the manifest and every hook of the package."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from erp_core.kernel.plugins.declarations import DemoStep, RoleTemplate
from erp_core.kernel.plugins.manifest import Label, Manifest
from erp_core.kernel.plugins.specs import hookimpl
from erp_pos import demo as demo_data
from erp_pos.shop import resources as shop_resources
from erp_pos.shop import routes as shop_routes

if TYPE_CHECKING:
    from erp_core.kernel.http.everyday import EverydayRoute
    from erp_core.kernel.http.routing import Route
    from erp_core.kernel.resources.declaration import Resource

manifest = Manifest(
    slug="pos",
    package="erp_pos",
    label=Label("Punto de venta", "Point of sale"),
    version="0.1.0",
    core=">=0.1,<0.2",
    api_port=3071,
    web_port=3070,
    schemas=("pos",),
    redis_db=6,
    uses=("auth", "core.products", "core.partners", "inventory"),
)


@hookimpl
def resources() -> Sequence[Resource]:
    return shop_resources.RESOURCES


@hookimpl
def routes() -> Sequence[Route | EverydayRoute]:
    return shop_routes.ROUTES


@hookimpl
def roles() -> Sequence[RoleTemplate]:
    return (
        RoleTemplate(
            "owner", Label("Dueño", "Owner"), ("pos.*", "core.partners.*", "core.products.*", "core.locations.*")
        ),
        RoleTemplate(
            "cashier",
            Label("Cajero", "Cashier"),
            (
                "pos.shops.read",
                "pos.devices.read",
                "pos.credit_customers.read",
                "pos.credit_customers.create",
                "core.products.read",
            ),
        ),
    )


@hookimpl
def demo() -> Sequence[DemoStep]:
    return demo_data.STEPS
