"""What of partners the platform serves."""

from __future__ import annotations

from erp_core.kernel.plugins.manifest import Label
from erp_core.kernel.resources.declaration import EVERYTHING, Resource
from erp_core.partners import rules
from erp_core.partners.models import Partner, PartnerAddress, PartnerContact, PartnerTaxId
from erp_core.partners.schemas import PartnerAddressIn, PartnerContactIn, PartnerIn, PartnerTaxIdIn

partners = Resource(
    name="core.partners",
    model=Partner,
    label=Label("Socio de negocio", "Partner"),
    plural=Label("Socios de negocio", "Partners"),
    read=(
        "code", "name", "legal_name", "kind", "is_customer", "is_supplier", "email", "phone", "language", "currency",
        "tax_country", "tax_id", "notes",
    ),
    create=PartnerIn,
    filters=("code", "tax_id", "email", "is_customer", "is_supplier"),
    sorts=("name", "code", "created_at"),
    sort_by={"name": "name_key"},
    default_sort="name",
    search="name_key",
    prepare=rules.prepare_partner,
)  # fmt: skip

addresses = Resource(
    name="core.partner_addresses",
    model=PartnerAddress,
    label=Label("Domicilio", "Address"),
    plural=Label("Domicilios", "Addresses"),
    read=(
        "partner_id", "kind", "street", "exterior", "interior", "neighbourhood", "city", "state", "postal_code",
        "country",
    ),
    create=PartnerAddressIn,
    fixed=("partner_id",),
    filters=("partner_id", "postal_code"),
    references={"partner_id": "core.partners"},
    lookups={"partner_id": "code"},
    prepare=rules.prepare_address,
)  # fmt: skip

contacts = Resource(
    name="core.partner_contacts",
    model=PartnerContact,
    label=Label("Contacto", "Contact"),
    plural=Label("Contactos", "Contacts"),
    read=("partner_id", "name", "role", "email", "phone"),
    create=PartnerContactIn,
    fixed=("partner_id",),
    filters=("partner_id", "email"),
    references={"partner_id": "core.partners"},
    lookups={"partner_id": "code"},
    prepare=rules.prepare_contact,
)

# An identifier is never changed: a wrong one is archived and the right one written, so that both stay on record.
tax_ids = Resource(
    name="core.partner_tax_ids",
    model=PartnerTaxId,
    label=Label("Identificador oficial", "Official identifier"),
    plural=Label("Identificadores oficiales", "Official identifiers"),
    read=("partner_id", "country", "kind", "value"),
    create=PartnerTaxIdIn,
    filters=("partner_id", "value"),
    references={"partner_id": "core.partners"},
    lookups={"partner_id": "code"},
    prepare=rules.prepare_tax_id,
    operations=EVERYTHING - {"update"},
)

RESOURCES: tuple[Resource, ...] = (partners, addresses, contacts, tax_ids)
