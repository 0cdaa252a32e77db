"""Tempered glass processors and installers (vidrio templado): the manifest and every hook of the package."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from erp_core.kernel.plugins.declarations import DemoStep, RoleTemplate
from erp_core.kernel.plugins.manifest import Label, Manifest
from erp_core.kernel.plugins.specs import hookimpl
from erp_vidrio import demo as demo_data
from erp_vidrio.quotes import resources as quote_resources
from erp_vidrio.quotes import routes as quote_routes

if TYPE_CHECKING:
    from erp_core.kernel.http.everyday import EverydayRoute
    from erp_core.kernel.http.routing import Route
    from erp_core.kernel.resources.declaration import Resource

manifest = Manifest(
    slug="vidrio",
    package="erp_vidrio",
    label=Label("Vidrio templado", "Tempered glass"),
    version="0.1.0",
    core=">=0.1,<0.2",
    api_port=3031,
    web_port=3030,
    schemas=("vidrio",),
    redis_db=4,
    uses=("auth", "core", "inventory"),
)


@hookimpl
def resources() -> Sequence[Resource]:
    return quote_resources.RESOURCES


@hookimpl
def routes() -> Sequence[Route | EverydayRoute]:
    return quote_routes.ROUTES


@hookimpl
def roles() -> Sequence[RoleTemplate]:
    return (
        RoleTemplate(
            "manager", Label("Gerente de vidrio", "Glass manager"), ("vidrio.*", "core.products.*", "core.partners.*")
        ),
        RoleTemplate(
            "seller",
            Label("Vendedor de vidrio", "Glass salesperson"),
            (
                "vidrio.glass_types.read",
                "vidrio.price_lists.read",
                "vidrio.price_rules.read",
                "vidrio.price_rules.check",
                "core.products.read",
                "core.partners.read",
                "core.partners.create",
            ),
        ),
        RoleTemplate(
            "planner",
            Label("Planeación de corte", "Cutting planner"),
            ("vidrio.glass_types.read", "vidrio.glass_types.export", "core.products.read"),
        ),
    )


@hookimpl
def demo() -> Sequence[DemoStep]:
    return demo_data.STEPS
