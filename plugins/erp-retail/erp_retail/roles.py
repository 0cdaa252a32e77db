"""The roles that a chain of shops is offered."""

from __future__ import annotations

from erp_core.kernel.plugins.declarations import RoleTemplate
from erp_core.kernel.plugins.manifest import Label

_TILL = (
    "retail.stores.read",
    "retail.stores.read_stock",
    "retail.terminals.read",
    "core.products.read",
    "core.units.read",
)

ROLES: tuple[RoleTemplate, ...] = (
    RoleTemplate("cashier", Label("Cajero", "Cashier"), _TILL),
    RoleTemplate("supervisor", Label("Supervisor de cajas", "Supervisor"), (*_TILL, "retail.terminals.update")),
    RoleTemplate(
        "branch_manager",
        Label("Gerente de sucursal", "Branch manager"),
        (
            *_TILL,
            "retail.stores.update",
            "retail.terminals.*",
            "core.stock_levels.read",
            "core.movements.read",
            "core.locations.read",
        ),
    ),
    RoleTemplate(
        "buyer",
        Label("Comprador", "Buyer"),
        (
            "retail.stores.read",
            "retail.stores.read_stock",
            "core.products.*",
            "core.categories.*",
            "core.partners.read",
            "core.stock_levels.read",
            "core.units.read",
        ),
    ),
    RoleTemplate(
        "web_clerk",
        Label("Pedidos en línea", "Web clerk"),
        ("retail.stores.read", "retail.stores.read_stock", "core.products.read"),
    ),
    RoleTemplate(
        "owner",
        Label("Dueño", "Owner"),
        (
            "retail.*",
            "core.products.*",
            "core.categories.*",
            "core.partners.*",
            "core.locations.*",
            "core.stock_levels.*",
            "core.movements.*",
        ),
    ),
)
