"""The tables of a shop, in the schema ``pos``."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from erp_core.kernel.database.model import MutableRow, folded, reference


class Shop(MutableRow):
    """The business of a tenant (negocio, tiendita); one that is active."""

    __tablename__ = "shops"
    __table_args__ = (
        reference("location_id", "inventory.locations"),
        Index("uq_shops_tenant_id", "tenant_id", unique=True, postgresql_where=text("archived_at IS NULL")),
        Index(None, "tenant_id", "created_at", "id"),
        {"schema": "pos"},
    )

    name: Mapped[str]
    tax_id: Mapped[str | None]
    time_zone: Mapped[str] = mapped_column(server_default=text("'America/Mexico_City'"))
    location_id: Mapped[UUID]
    ticket_header: Mapped[str | None]
    ticket_footer: Mapped[str | None]


class Device(MutableRow):
    """A telephone or tablet that sells (dispositivo, caja): its code is in every folio, so it is never used again.

    ``last_seq`` and ``last_hash`` are where its chain of commands stands.
    """

    __tablename__ = "devices"
    __table_args__ = (
        UniqueConstraint("tenant_id", "code"),
        UniqueConstraint("tenant_id", "public_key"),
        reference("shop_id", "pos.shops"),
        CheckConstraint("state IN ('active', 'lost', 'retired')", name="state"),
        CheckConstraint("width_mm IN (58, 80)", name="width_mm"),
        CheckConstraint("last_seq >= 0 AND (last_seq = 0) = (last_hash IS NULL)", name="chain"),
        Index(None, "tenant_id", "shop_id", "id"),
        Index(None, "tenant_id", "state", "id"),
        Index(None, "tenant_id", "created_at", "id"),
        {"schema": "pos"},
    )

    shop_id: Mapped[UUID]
    code: Mapped[str]
    name: Mapped[str]
    public_key: Mapped[str]
    state: Mapped[str] = mapped_column(server_default=text("'active'"))
    printer_profile: Mapped[str | None]
    width_mm: Mapped[int] = mapped_column(SmallInteger, server_default=text("58"))
    last_seq: Mapped[int] = mapped_column(server_default=text("0"))
    last_hash: Mapped[str | None]


class CreditCustomer(MutableRow):
    """Somebody who takes goods now and pays later (cliente de fiado)."""

    __tablename__ = "credit_customers"
    __table_args__ = (
        UniqueConstraint("tenant_id", "partner_id"),
        reference("partner_id", "core.partners"),
        CheckConstraint("partner_id IS NOT NULL OR (name IS NOT NULL AND phone IS NOT NULL)", name="named"),
        CheckConstraint("credit_limit >= 0", name="credit_limit"),
        CheckConstraint("state IN ('active', 'blocked', 'closed')", name="state"),
        Index(None, "tenant_id", "name_key", "id"),
        Index(None, "tenant_id", "phone", "id"),
        Index(None, "tenant_id", "state", "id"),
        Index(None, "tenant_id", "created_at", "id"),
        {"schema": "pos"},
    )

    partner_id: Mapped[UUID | None]
    name: Mapped[str | None]
    phone: Mapped[str | None]
    credit_limit: Mapped[Decimal] = mapped_column(server_default=text("0"))
    currency: Mapped[str] = mapped_column(server_default=text("'MXN'"))
    state: Mapped[str] = mapped_column(server_default=text("'active'"))
    notes: Mapped[str | None]
    name_key: Mapped[str] = mapped_column(folded("name", "phone"))
