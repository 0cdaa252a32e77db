"""The tables of partners, and the global lists of currencies and countries; all in the schema ``core``."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from erp_core.kernel.database.model import Base, MutableRow, folded, reference


class Currency(Base):
    """A currency by its ISO 4217 code; global."""

    __tablename__ = "currencies"
    __table_args__ = ({"schema": "core"},)

    code: Mapped[str] = mapped_column(primary_key=True)
    digits: Mapped[int] = mapped_column(SmallInteger)


class Country(Base):
    """A country by its ISO 3166 code; global."""

    __tablename__ = "countries"
    __table_args__ = ({"schema": "core"},)

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    name_en: Mapped[str]


class Partner(MutableRow):
    """A person or a company that we buy from, sell to or work with (socio de negocio)."""

    __tablename__ = "partners"
    __table_args__ = (
        UniqueConstraint("tenant_id", "code"),
        CheckConstraint("kind IN ('person', 'company')", name="kind"),
        CheckConstraint("tax_id IS NULL OR tax_country IS NOT NULL", name="tax_country"),
        Index(None, "tenant_id", "name_key", "id"),
        Index(None, "tenant_id", "created_at", "id"),
        Index(None, "tenant_id", "tax_id", "id"),
        Index(None, "tenant_id", "email", "id"),
        Index(None, "tenant_id", "is_customer", "id"),
        Index(None, "tenant_id", "is_supplier", "id"),
        {"schema": "core"},
    )

    code: Mapped[str]
    name: Mapped[str]
    legal_name: Mapped[str | None]
    kind: Mapped[str]
    is_customer: Mapped[bool] = mapped_column(server_default=text("false"))
    is_supplier: Mapped[bool] = mapped_column(server_default=text("false"))
    email: Mapped[str | None]
    phone: Mapped[str | None]
    language: Mapped[str] = mapped_column(server_default=text("'es_MX'"))
    currency: Mapped[str] = mapped_column(server_default=text("'MXN'"))
    tax_country: Mapped[str | None]
    tax_id: Mapped[str | None]
    notes: Mapped[str | None]
    name_key: Mapped[str] = mapped_column(folded("name", "legal_name", "code", "tax_id"))


class PartnerAddress(MutableRow):
    """Where a partner is: its tax domicile (domicilio fiscal), a place of delivery or another."""

    __tablename__ = "partner_addresses"
    __table_args__ = (
        reference("partner_id", "core.partners", cascade=True),
        CheckConstraint("kind IN ('fiscal', 'delivery', 'other')", name="kind"),
        CheckConstraint("country <> 'MX' OR postal_code IS NULL OR postal_code ~ '^[0-9]{5}$'", name="postal_code"),
        Index(None, "tenant_id", "partner_id", "id"),
        Index(None, "tenant_id", "postal_code", "id"),
        Index(None, "tenant_id", "created_at", "id"),
        {"schema": "core"},
    )

    partner_id: Mapped[UUID]
    kind: Mapped[str]
    street: Mapped[str]
    exterior: Mapped[str | None]
    interior: Mapped[str | None]
    neighbourhood: Mapped[str | None]
    city: Mapped[str | None]
    state: Mapped[str | None]
    postal_code: Mapped[str | None]
    country: Mapped[str]


class PartnerContact(MutableRow):
    """A person to talk to at a partner (contacto)."""

    __tablename__ = "partner_contacts"
    __table_args__ = (
        reference("partner_id", "core.partners", cascade=True),
        Index(None, "tenant_id", "partner_id", "id"),
        Index(None, "tenant_id", "email", "id"),
        Index(None, "tenant_id", "created_at", "id"),
        {"schema": "core"},
    )

    partner_id: Mapped[UUID]
    name: Mapped[str]
    role: Mapped[str | None]
    email: Mapped[str | None]
    phone: Mapped[str | None]


class PartnerTaxId(MutableRow):
    """A further official identifier of a partner: a personal code (CURP), a bank account (CLABE), a foreign tax id."""

    __tablename__ = "partner_tax_ids"
    __table_args__ = (
        reference("partner_id", "core.partners", cascade=True),
        UniqueConstraint("tenant_id", "partner_id", "country", "kind", "value"),
        Index(None, "tenant_id", "value", "id"),
        Index(None, "tenant_id", "partner_id", "id"),
        Index(None, "tenant_id", "created_at", "id"),
        {"schema": "core"},
    )

    partner_id: Mapped[UUID]
    country: Mapped[str]
    kind: Mapped[str]
    value: Mapped[str]
