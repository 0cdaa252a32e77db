"""The roles that a clinic is offered.

Administrator and auditor do not read charts; reception sees who comes and how to reach them, nothing of their health.
"""

from __future__ import annotations

from erp_core.kernel.plugins.declarations import RoleTemplate
from erp_core.kernel.plugins.manifest import Label

_DESK = ("clinicas.sites.read", "clinicas.practitioners.read")
_REGISTER = ("clinicas.patients.read", "clinicas.patients.create", "clinicas.patients.update")

ROLES: tuple[RoleTemplate, ...] = (
    RoleTemplate(
        "admin",
        Label("Administración de la clínica", "Clinic administrator"),
        ("clinicas.patients.*", "clinicas.sites.*", "clinicas.practitioners.*", "core.partners.*"),
    ),
    RoleTemplate("physician", Label("Médico", "Physician"), (*_DESK, *_REGISTER, "clinicas.charts.*")),
    RoleTemplate(
        "nurse",
        Label("Enfermería", "Nurse"),
        (*_DESK, "clinicas.patients.read", "clinicas.charts.read", "clinicas.charts.update"),
    ),
    RoleTemplate("reception", Label("Recepción", "Reception"), (*_DESK, *_REGISTER)),
    RoleTemplate("billing", Label("Caja y cobranza", "Billing"), (*_DESK, "clinicas.patients.read", "core.partners.*")),
    RoleTemplate("auditor", Label("Auditoría", "Auditor"), _DESK),
)
