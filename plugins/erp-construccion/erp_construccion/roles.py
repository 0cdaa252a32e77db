"""The roles that a contractor is offered."""

from __future__ import annotations

from erp_core.kernel.plugins.declarations import RoleTemplate
from erp_core.kernel.plugins.manifest import Label

_READ = ("construccion.projects.read", "construccion.structure_nodes.read")
_STRUCTURE = ("construccion.structure_nodes.*",)

# A resident sees quantities, never money, and no partner data.
ROLES: tuple[RoleTemplate, ...] = (
    RoleTemplate(
        "director",
        Label("Director de obra", "Project director"),
        ("construccion.*", "core.partners.read", "core.products.read"),
    ),
    RoleTemplate(
        "cost_engineer",
        Label("Analista de costos", "Cost engineer"),
        (
            "construccion.projects.read",
            "construccion.projects.create",
            "construccion.projects.update",
            "construccion.projects.export",
            *_STRUCTURE,
            "core.partners.read",
            "core.products.read",
        ),
    ),
    RoleTemplate("resident", Label("Residente", "Resident"), (*_READ, "construccion.structure_nodes.update")),
    RoleTemplate("purchasing", Label("Compras", "Purchasing"), (*_READ, "core.partners.read", "core.products.read")),
    RoleTemplate(
        "administrator",
        Label("Administración", "Administrator"),
        (*_READ, "construccion.projects.export", "core.partners.*"),
    ),
    RoleTemplate("hr", Label("Recursos humanos", "Human resources"), _READ),
    RoleTemplate("safety_officer", Label("Seguridad e higiene", "Safety officer"), _READ),
)
