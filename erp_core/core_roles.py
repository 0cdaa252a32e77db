"""The roles that every new tenant is offered, whatever packages it has."""

from __future__ import annotations

from erp_core.kernel.plugins.declarations import RoleTemplate
from erp_core.kernel.plugins.manifest import Label

_DATA = ("partners", "partner_addresses", "partner_contacts", "partner_tax_ids", "categories", "units", "products")
_READ = tuple(f"core.{name}.read" for name in (*_DATA, "locations", "movements", "stock_levels"))

ROLES: tuple[RoleTemplate, ...] = (
    RoleTemplate("reader", Label("Consulta", "Reader"), _READ),
    RoleTemplate(
        "data_keeper",
        Label("Datos maestros", "Master data"),
        (*_READ, *(f"core.{name}.*" for name in _DATA)),
    ),
    RoleTemplate(
        "storekeeper",
        Label("Almacenista", "Storekeeper"),
        (*_READ, "core.locations.*", "core.movements.*", "core.stock_levels.*"),
    ),
)
