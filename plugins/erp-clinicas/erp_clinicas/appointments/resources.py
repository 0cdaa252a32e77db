"""What of the front desk the platform serves."""

from __future__ import annotations

from erp_clinicas.appointments import rules
from erp_clinicas.appointments.models import Practitioner, Site
from erp_clinicas.appointments.schemas import PractitionerIn, SiteIn
from erp_core.kernel.plugins.manifest import Label
from erp_core.kernel.resources.declaration import Resource

sites = Resource(
    name="clinicas.sites",
    model=Site,
    label=Label("Sede", "Site"),
    plural=Label("Sedes", "Sites"),
    read=("name", "clues", "time_zone"),
    create=SiteIn,
    filters=("name", "clues"),
    sorts=("name", "created_at"),
    sort_by={"name": "name_key"},
    default_sort="name",
    search="name_key",
    prepare=rules.prepare_site,
)

practitioners = Resource(
    name="clinicas.practitioners",
    model=Practitioner,
    label=Label("Profesional de la salud", "Practitioner"),
    plural=Label("Profesionales de la salud", "Practitioners"),
    read=("given_names", "first_surname", "second_surname", "licence_number", "user_id"),
    create=PractitionerIn,
    filters=("licence_number", "user_id"),
    sorts=("name", "created_at"),
    sort_by={"name": "name_key"},
    default_sort="name",
    search="name_key",
    prepare=rules.prepare_practitioner,
)

RESOURCES: tuple[Resource, ...] = (sites, practitioners)
